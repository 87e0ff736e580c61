"""The hardware that a cluster trains on, as far as time and memory are predicted from it."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt, Le

from mmprolong.settings.fields import NotNegative, Positive, execution

Sustained = Annotated[float, Gt(0), Le(1)]


@dataclass
class Hardware:
    """One device of the nodes that train, and its ways to others. The default is one core of a CPU."""

    name: str = execution("one CPU core")
    peak: Positive = execution(0.16)
    """Dense matrix products in the precision of training [TFLOP/s]."""
    products: Sustained = execution(0.3)
    """Share of the peak that matrix products sustain in training, with all that lies between them."""
    attention: Sustained = execution(0.2)
    """Share of the peak that attention sustains."""
    memory: NotNegative = execution(0.0)
    """Of one device [GiB]; 0: what is needed is not compared with it."""
    bandwidth: Positive = execution(10.0)
    """Of that memory [GB/s]."""
    link: Positive = execution(10.0)
    """From one device to the others of its node [GB/s]."""
    network: Positive = execution(1.0)
    """From one device to those of other nodes [GB/s]."""
    host: Positive = execution(10.0)
    """Between one device and the memory of its node [GB/s]."""
