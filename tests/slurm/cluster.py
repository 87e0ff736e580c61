"""A real Slurm on one machine, for the time of a test: munged, slurmctld and slurmd on loopback, in one folder."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel")
KILL_SECONDS = 5
"""Between SIGTERM and SIGKILL."""
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"

CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={root}/munge.socket,cred_expire=5
SlurmctldPort={ports[0]}
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/%n.pid
SlurmctldLogFile={root}/slurmctld.log
SlurmdLogFile={root}/%n.log
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/%n
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=4000
SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=0,sched_min_interval=0,bf_continue
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait={kill}
SlurmdTimeout=5
MessageTimeout=10
TCPTimeout=2
MinJobAge=3600
MaxArraySize=1001
AccountingStorageType=accounting_storage/none
AccountingStoragePass={root}/munge.socket
NodeName=node NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs={cpus} RealMemory=16000 State=UNKNOWN
NodeName=other NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs={cpus} RealMemory=16000 State=UNKNOWN
PartitionName=main Nodes=node Default=YES MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=REQUEUE
PartitionName=urgent Nodes=node MaxTime=INFINITE State=UP PriorityTier=100 PreemptMode=off
PartitionName=pair Nodes=node,other MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=REQUEUE
"""
CGROUPS = "CgroupAutomount=no\nConstrainCores=no\nConstrainDevices=no\nConstrainRAMSpace=no\n"


def missing() -> list[str]:
    """Programs of Slurm that are not installed."""
    return [name for name in PROGRAMS if shutil.which(name, path=_PATH) is None]


class Cluster:
    """A cluster of two nodes, one of them in the partition `pair` alone; `environment` is what a user of it has."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self.root = root
        self.environment = environment
        self._nodes: dict[str, subprocess.Popen] = {}

    def start(self, program: str, *words: str) -> subprocess.Popen:
        """Start a daemon; its output goes to a file of its name."""
        command = [shutil.which(program, path=_PATH) or program, *words]
        with (self.root / f"{program}.out").open("ab") as log:
            return subprocess.Popen(
                command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def start_node(self, name: str = "node") -> None:
        """Switch a node on."""
        self._nodes[name] = self.start("slurmd", "-D", "-N", name, "-f", str(self.root / "slurm.conf"))
        _until(lambda: _idle(self, name), name)

    @contextmanager
    def lost_node(self) -> Iterator[None]:
        """Slurm has found that the node is gone: slurmd and all that it has started ended at once. It is back after."""
        try:
            self._cut_power()
            _until(lambda: "node" in self.ask("sinfo", "-h", "-N", "-t", "down", "-o", "%N"), "the end of its node", 90)
            yield
        finally:
            self.start_node()

    def _cut_power(self) -> None:
        self._nodes["node"].kill()
        self._nodes["node"].wait()
        watchers = [each for each in psutil.process_iter(["name"]) if self._watches(each)]
        for each in watchers:
            each.suspend()
        for each in [*watchers, *(child for watcher in watchers for child in watcher.children(recursive=True))]:
            with suppress(psutil.NoSuchProcess):
                each.kill()

    def _watches(self, process: psutil.Process) -> bool:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            files = process.open_files() if process.info["name"] == "slurmstepd" else []
            return any(Path(file.path).is_relative_to(self.root) for file in files)
        return False

    def stop_nodes(self) -> None:
        """End their slurmds."""
        for node in self._nodes.values():
            _stop(node)

    def ask(self, *words: str) -> str:
        """What a command of Slurm prints."""
        done = subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=30, check=True)
        return done.stdout

    def states(self) -> dict[str, str]:
        """State of every job by its id, ended ones too."""
        lines = self.ask("squeue", "-h", "-a", "-r", "-t", "all", "-o", "%i %T").splitlines()
        return dict(line.split() for line in lines)

    def processes(self, job: str) -> list[int]:
        """Processes that the steps of a job have started, the batch script left out."""
        raw = self.ask("squeue", "-h", "-t", "all", "-j", job, "-o", "%A").split()[0]
        lines = self.ask("scontrol", "listpids", f"{raw}.0", "node").splitlines()[1:]
        return [pid for pid in (int(line.split()[0]) for line in lines) if pid > 0]


@contextmanager
def booted(root: Path, cpus: int = 4) -> Iterator[Cluster]:
    """A running cluster; its processes are ended by their ids."""
    user = pwd.getpwuid(os.geteuid()).pw_name
    for name in ("state", "node", "other"):
        (root / name).mkdir(parents=True)
    root.chmod(0o755)
    host = socket.gethostname().partition(".")[0]
    text = CONFIGURATION.format(root=root, host=host, user=user, ports=_ports(3), kill=KILL_SECONDS, cpus=cpus)
    (root / "slurm.conf").write_text(text)
    (root / "cgroup.conf").write_text(CGROUPS)
    key = root / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o400)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "SBATCH", "SRUN"))}
    cluster = Cluster(root, {**clean, "PATH": _PATH, "SLURM_CONF": str(root / "slurm.conf")})
    with ExitStack() as stack:
        stack.callback(_stop, cluster.start("munged", *_munge(root)))
        _until(lambda: (root / "munge.socket").exists(), "munged")
        stack.callback(_stop, cluster.start("slurmctld", "-D", "-f", str(root / "slurm.conf")))
        stack.callback(cluster.stop_nodes)
        for name in ("node", "other"):
            cluster.start_node(name)
        stack.callback(_cancel_all, cluster)
        yield cluster


def _munge(root: Path) -> list[str]:
    names = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
    return ["--foreground", "--force", "--num-threads=2", *(f"--{o}={root}/munge.{n}" for o, n in names.items())]


def _stop(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _idle(cluster: Cluster, node: str) -> bool:
    words = ["sinfo", "-h", "-N", "-n", node, "-o", "%t"]
    done = subprocess.run(words, env=cluster.environment, capture_output=True, text=True, check=False)
    return set(done.stdout.split()) == {"idle"}


def _cancel_all(cluster: Cluster) -> None:
    user = pwd.getpwuid(os.geteuid()).pw_name
    subprocess.run(["scancel", "-u", user], env=cluster.environment, timeout=20, check=False)
    for pid in (pid for job, state in cluster.states().items() if state == "RUNNING" for pid in cluster.processes(job)):
        os.kill(pid, signal.SIGKILL)
    _until(lambda: not {"RUNNING", "COMPLETING"} & set(cluster.states().values()), "the end of its jobs", 30)


def _ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _until(ready: Callable[[], bool], what: str, seconds: float = 40) -> None:
    for _ in range(int(seconds * 20)):
        if ready():
            return
        time.sleep(0.05)
    raise TimeoutError(f"Slurm: {what} is not there after {seconds} s")
