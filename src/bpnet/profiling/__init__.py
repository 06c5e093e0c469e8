"""Where the time of a training step goes: its parts, each timed alone, against what the machine does at best."""

from bpnet.profiling.profile import Line as Line
from bpnet.profiling.profile import Profile as Profile
from bpnet.profiling.profile import profile as profile
