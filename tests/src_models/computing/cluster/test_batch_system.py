"""Workers as jobs: what a description becomes for Slurm, and what is wrong with one."""

import copy

import pytest

from src_models.computing.cluster.batch_system import batch_cluster, read_system
from src_models.errors import UserError

pytest.importorskip("dask_jobqueue")

SLURM = """
jobqueue:
  slurm:
    cores: 8
    memory: 16GB
    queue: gpu
    walltime: "02:00:00"
    job-extra-directives: ["--gres=gpu:1"]
    scheduler-options: {dashboard: false, port: 0}
"""


@pytest.fixture(autouse=True)
def configuration():
    """That of a process holds for all clusters after."""
    import dask

    before = copy.deepcopy(dask.config.config)
    yield
    dask.config.config.clear()
    dask.config.config.update(before)


@pytest.fixture
def described(tmp_path):
    def write(text):
        path = tmp_path / "cluster.yaml"
        path.write_text(text)
        return path

    return write


def test_a_description_becomes_the_job_that_slurm_is_given(described):
    cluster = batch_cluster(described(SLURM))
    try:
        script = cluster.job_script()
    finally:
        cluster.close()
    lines = script.splitlines()
    for line in ("-p gpu", "-n 1", "--cpus-per-task=8", "--mem=15G", "-t 02:00:00", "--gres=gpu:1"):
        assert f"#SBATCH {line}" in lines
    command = lines[-1]
    assert "distributed.cli.dask_worker tcp://" in command
    assert "--nthreads 8" in command, "one process with all cores of the job: one image at a time"
    assert "--nworkers" not in command


def test_what_stands_above_the_system_may_be_left_out(described):
    assert read_system(described("slurm: {cores: 2, memory: 4GB}")) == ("slurm", {"cores": 2, "memory": "4GB"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("slurm: [", "is no YAML"),
        ("just words", "has one of htcondor, lsf, moab, oar, pbs, sge, slurm"),
        ("slurm: {cores: 1}\npbs: {cores: 1}", "has one of"),
        ("slurm: 3", "has one of"),
    ],
)
def test_what_is_no_description_is_a_sentence(described, text, words):
    with pytest.raises(UserError, match=f"cluster.yaml: .*{words}"):
        read_system(described(text))


def test_a_description_that_is_missing_or_lacks_what_is_needed_is_a_sentence(described, tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        read_system(tmp_path / "none.yaml")
    with pytest.raises(UserError, match=r"cluster.yaml: slurm has no option cpus; there are account, cores"):
        batch_cluster(described("slurm: {cpus: 8, memory: 4GB}"))
    with pytest.raises(UserError, match=r"cluster\.yaml: .*memory"):
        batch_cluster(described("slurm: {cores: 8}"))
