"""One run in many processes: how they were launched, what they talk through, and that they agree at the start."""

from bpnet.distributed.agreement import agree as agree
from bpnet.distributed.choosing import communicator as communicator
from bpnet.distributed.launch import launched as launched
