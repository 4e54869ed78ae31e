"""One Kafka node: a Java process of its own group, which can be killed, frozen and started again."""

import os
import signal
import subprocess
import time
from pathlib import Path

_STARTED = "Kafka Server started"
_POLL_SECONDS = 0.05
_JVM = [
    "-Xms128m", "-Xmx512m", "-XX:ActiveProcessorCount=2", "-XX:+UseG1GC", "-XX:TieredStopAtLevel=4",
    "-Djava.awt.headless=true", "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.log.kafka.server=info",
]  # fmt: skip


class NodeError(RuntimeError):
    """A node did not start, or ended by itself; the message names its log file and the last lines."""


class Node:
    """Start, stop, kill, freeze and resume one node.

    Parameters
    ----------
    number : int
        Node id.
    jars : Path
        Folder with the server's jars.
    properties : Path
        This node's ``server.properties``.
    log : Path
        File that gets the node's output, appended over restarts.
    """

    def __init__(self, number: int, jars: Path, properties: Path, log: Path) -> None:
        self.number = number
        self.log = log
        self._jars = jars
        self._properties = properties
        self._process: subprocess.Popen[bytes] | None = None
        self._log_from = 0

    @property
    def pid(self) -> int | None:
        """Process id while the node runs or is frozen."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def format(self, cluster_id: str, scram: dict[str, str]) -> None:
        """Format the storage folder, with SCRAM users if there are any.

        The passwords travel in a file that only the owner can read, as an argument list is visible to every
        process of the machine.
        """
        # An id may begin with a dash, so it is joined to its option.
        words = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}"]
        words += ["-c", str(self._properties)]
        for user, password in scram.items():
            words += ["--add-scram", f"SCRAM-SHA-512=[name={user},password={password}]"]
        arguments = self._properties.with_name("format.args")
        arguments.touch(mode=0o600)
        arguments.write_text("\n".join(f'"{word}"' for word in ["-cp", f"{self._jars}/*", *words]))
        ran = subprocess.run(
            ["java", f"@{arguments}"], capture_output=True, text=True, check=False, timeout=120
        )
        arguments.unlink()
        if ran.returncode:
            raise NodeError(f"node {self.number}: formatting failed: {ran.stderr[-500:]}")

    def start(self) -> None:
        """Start the process; return at once (see `wait_started`)."""
        self._log_from = self.log.stat().st_size if self.log.exists() else 0
        command = ["java", *_JVM, "-cp", f"{self._jars}/*", "kafka.Kafka", str(self._properties)]
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )

    def wait_started(self, deadline: float) -> None:
        """Wait until the node says that it serves requests (it says so only once it is unfenced).

        Parameters
        ----------
        deadline : float
            Moment on `time.monotonic`'s clock.

        Raises
        ------
        NodeError
            When the process ends or the deadline passes.
        """
        while _STARTED not in (text := self._since_start()):
            if self.pid is None or time.monotonic() > deadline:
                what = "did not start in time" if self.pid else "ended while starting"
                tail = " | ".join(text.splitlines()[-3:])
                raise NodeError(f"node {self.number} {what}, see {self.log}: {tail}")
            time.sleep(_POLL_SECONDS)

    def stop(self, timeout: float = 20.0) -> None:
        """Ask the node to shut down, and kill it when it does not within `timeout` seconds."""
        if self.pid is None:
            return
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGTERM)
        try:
            self._reap(timeout)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the node at once, as a power cut would (SIGKILL)."""
        if self.pid is not None:
            self._signal(signal.SIGKILL)
            self._reap(20.0)

    def pause(self) -> None:
        """Freeze the node (SIGSTOP): connections stay open, nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen node go on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def _since_start(self) -> str:
        with self.log.open("rb") as output:
            output.seek(self._log_from)
            return output.read().decode(errors="replace")

    def _signal(self, number: signal.Signals) -> None:
        if self.pid is None:
            raise NodeError(f"node {self.number} is not running")
        os.killpg(self.pid, number)

    def _reap(self, timeout: float) -> None:
        if self._process:
            self._process.wait(timeout)
