"""Fetch Apache Kafka's own jars once, through Maven, into a cache folder."""

import os
import re
import shutil
import subprocess
from pathlib import Path

VERSION = "4.3.0"
JAVA_AT_LEAST = 17
FETCH_SECONDS = 600


class KafkaUnavailableError(RuntimeError):
    """Apache Kafka cannot run here; the message is one sentence that says what is missing."""


def default_cache(version: str = VERSION) -> Path:
    """Return the folder that keeps the jars of one Kafka version between runs.

    Parameters
    ----------
    version : str
        Version of ``org.apache.kafka:kafka_2.13``.
    """
    return Path.home() / ".cache" / "hark" / f"kafka-{version}"


def missing_tools(folder: Path | None = None) -> str | None:
    """Say in one sentence why Apache Kafka cannot be started here, or return None when it can.

    Tests and the command line show the sentence as it is, so nobody has to read a Java stack trace to learn
    that Java is absent.

    Parameters
    ----------
    folder : Path, optional
        Folder that may hold the jars already, in which case Maven is not needed.
    """
    if shutil.which("java") is None:
        return f"Apache Kafka needs Java {JAVA_AT_LEAST} or newer, and no java is on the PATH."
    told = subprocess.run(
        ["java", "-version"], capture_output=True, text=True, timeout=60, check=False
    ).stderr
    found = re.search(r'version "(\d+)', told)
    if found is None or int(found[1]) < JAVA_AT_LEAST:
        version = found[1] if found else "an unknown one"
        return f"Apache Kafka needs Java {JAVA_AT_LEAST} or newer, found {version}."
    if shutil.which("mvn") is None and not any((folder or default_cache()).glob("kafka_*.jar")):
        return "Apache Kafka's jars are fetched with Maven, and no mvn is on the PATH."
    return None


def fetch(cache: Path | None = None, version: str = VERSION) -> Path:
    """Return a folder with the server's jars, fetching them on the first call.

    The folder is filled beside its final name and renamed, so that an interrupted download is never mistaken
    for a whole one and two test runs may fetch at the same time.

    Parameters
    ----------
    cache : Path, optional
        Folder for the jars; ``~/.cache/hark/kafka-VERSION`` when not given.
    version : str
        Version of ``org.apache.kafka:kafka_2.13``.

    Raises
    ------
    KafkaUnavailableError
        When Java or Maven is missing, or Maven cannot fetch the jars.
    """
    folder = cache or default_cache(version)
    reason = missing_tools(folder)
    if reason:
        raise KafkaUnavailableError(reason)
    if any(folder.glob("kafka_*.jar")):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
    command = [
        "mvn",
        "-q",
        "-B",
        "-f",
        str(Path(__file__).with_name("pom.xml")),
        f"-Dkafka.version={version}",
    ]
    command += ["dependency:copy-dependencies", f"-DoutputDirectory={partial}"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False)
    if ran.returncode:
        shutil.rmtree(partial, ignore_errors=True)
        problem = next((line for line in ran.stdout.splitlines() if "ERROR" in line), "no reason given")
        raise KafkaUnavailableError(f"Maven could not fetch Apache Kafka {version}: {problem}")
    try:
        partial.rename(folder)
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)
    return folder
