"""The page in a real browser: charts have a size and colours, text is not cut, nothing is fetched."""

from __future__ import annotations

import re
import shutil
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from databases import fresh, running_store
from numpy.typing import NDArray
from planted import demo_like

from ops.reporting.page import write_page
from ops.reporting.summary import summarise

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
    "--force-color-profile=srgb", "--blink-settings=preferredColorScheme=1",
)  # fmt: skip
WIDTH, HEIGHT = 1000, 1500
MEASURE = """<script>
const cut = [...document.querySelectorAll("svg text")].filter(text => {
  const frame = text.closest("section").getBoundingClientRect(), box = text.getBoundingClientRect();
  return box.left < frame.left || box.right > frame.right;
}).map(text => text.textContent);
const sizes = [...document.querySelectorAll("svg")].map(svg => {
  const box = svg.getBoundingClientRect(), marks = svg.querySelectorAll("path,rect,circle,line");
  const drawn = [...marks].filter(mark => mark.getBBox().width + mark.getBBox().height > 0).length;
  return [svg.getAttribute("aria-label"), Math.round(box.width), Math.round(box.height), drawn].join(";");
});
document.title = "measured|" + sizes.join("|") + "|cut:" + cut.join(",")
  + "|fetched:" + performance.getEntriesByType("resource").length
  + "|wide:" + (document.documentElement.scrollWidth > innerWidth);
</script></body>"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Write the page of a demo-like store, truth and a drift among its charts."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    with running_store() as store:
        client = fresh(store)
        demo_like().write(store, client)
        report = summarise(client)
        for row in report["uplift"]:
            row["truth"] = 0.1
        write_page(path, client, report, 9.0)
    yield path


def browse(folder: Path, address: Path, *options: str) -> str:
    assert BROWSER is not None
    command = [
        BROWSER, *FLAGS, f"--user-data-dir={folder / 'profile'}", f"--window-size={WIDTH},{HEIGHT}", *options,
        address.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    return done.stdout


def there() -> bool:
    if BROWSER is None:
        print("no Chromium on this machine: the page was not looked at (Debian package chromium)")
    return BROWSER is not None


def test_charts_have_a_size_and_texts_are_not_cut(page: Path, tmp_path: Path) -> None:
    html = page.read_text(encoding="utf-8")
    assert html.count("<svg") >= 10
    if not there():
        return
    measured = tmp_path / "measured.html"
    measured.write_text(
        re.sub(r"<meta http-equiv.*?>", "", html).replace("</body>", MEASURE), encoding="utf-8"
    )
    title = re.search(r"<title>(.*?)</title>", browse(tmp_path, measured, "--dump-dom"))
    assert title and title[1].startswith("measured|"), "the script did not run"
    *charts, cut, fetched, wide = title[1].split("|")[1:]
    assert (cut, fetched, wide) == ("cut:", "fetched:0", "wide:false")
    assert len(charts) == html.count("<svg")
    for chart in charts:
        label, width, height, drawn = chart.split(";")
        assert int(width) > 150 and int(height) > 40 and int(drawn) >= 3, label


def test_a_screenshot_shows_the_charts_colours(page: Path, tmp_path: Path) -> None:
    assert page.stat().st_size > 20_000
    if not there():
        return
    picture = tmp_path / "report.png"
    browse(tmp_path, page, f"--screenshot={picture}")
    pixels = decode(picture.read_bytes())
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    for name, colour in {
        "lines": (0x28, 0x64, 0xC8),
        "negative": (0xD9, 0x78, 0x2D),
        "grey": (154, 167, 181),
    }.items():
        found = (np.abs(pixels.astype(int) - colour).max(axis=2) < 12).sum()
        assert found > 300, f"{name}: {found} pixels"
    assert 0.5 < (pixels.min(axis=2) > 240).mean() < 0.99  # light paper with something on it


def decode(png: bytes) -> NDArray[np.uint8]:
    """Return the pixels of an 8-bit RGB or RGBA picture (PNG, second edition, section 9)."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(png[at : at + 4]) for at in (16, 20))
    assert png[24] == 8 and png[25] in (2, 6) and png[28] == 0
    channels, place, data = {2: 3, 6: 4}[png[25]], 8, b""
    while place < len(png):
        size = int.from_bytes(png[place : place + 4])
        if png[place + 4 : place + 8] == b"IDAT":
            data += png[place + 8 : place + 8 + size]
        place += size + 12
    lines = np.frombuffer(zlib.decompress(data), np.uint8).reshape(height, width * channels + 1)
    above, rows = np.zeros((width, channels), np.int16), []
    for line in lines:
        above = _unfilter(int(line[0]), line[1:].reshape(width, channels).astype(np.int16), above)
        rows.append(above)
    return np.array(rows, np.uint8)[:, :, :3]


def _unfilter(kind: int, line: NDArray[np.int16], above: NDArray[np.int16]) -> NDArray[np.int16]:
    if kind == 0:
        return line
    if kind == 1:
        return (np.cumsum(line, axis=0, dtype=np.int64) % 256).astype(np.int16)
    if kind == 2:
        return (line + above) % 256
    found = np.zeros_like(line)
    for channel in range(line.shape[1]):
        left = corner = 0
        values, ups = line[:, channel].tolist(), above[:, channel].tolist()
        column = []
        for value, up in zip(values, ups, strict=True):
            if kind == 3:
                guess = (left + up) // 2
            else:
                near = (abs(up - corner), abs(left - corner), abs(left + up - 2 * corner))
                guess = (left, up, corner)[near.index(min(near))]
            left, corner = (value + guess) % 256, up
            column.append(left)
        found[:, channel] = column
    return found
