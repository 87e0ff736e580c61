import os

from hypothesis import settings

from mmprolong.config.groups import CONFIG_DIR

os.environ.update(WANDB_MODE="offline", WANDB_ERROR_REPORTING="false", WANDB_SILENT="true", OMP_NUM_THREADS="1")
os.environ[CONFIG_DIR] = ""  # the files of whoever runs the tests are not tested

settings.register_profile("busy", deadline=None)  # no claim of ours is about the speed of one example
settings.load_profile("busy")
