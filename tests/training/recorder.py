"""NumPy's backend, writing down what it is asked for, as a GPU's would be: arrays, waits, captures, calls of steps."""

from __future__ import annotations

import os
import signal

from bpnet.backend import make


class Recorder:
    """Its captured steps run as they are written. With `repeats` they can do several steps in a call, as on a GPU."""

    name = "recorder"
    device = "CPU"

    def __init__(self, repeats=True):
        self.under = make("numpy")
        self.xp, self.kernels, self.fuse = self.under.xp, self.under.kernels, self.under.fuse
        self.repeats = repeats
        self.uploads, self.waits, self.captures = [], 0, 0
        self.calls = []
        """(steps asked for in a call, the name of the captured function)"""
        self.plans = []
        """(the number of the captured step, steps asked for in a call)"""
        self.after = {}
        """What is done in the middle of the call of that number."""

    def asarray(self, x, dtype):
        made = self.under.asarray(x, dtype)
        self.uploads.append(made.shape)
        return made

    def to_numpy(self, x):
        self.waits += 1
        return self.under.to_numpy(x)

    def synchronize(self):
        self.waits += 1

    def capture(self, step):
        self.captures += 1
        return (Repeating if self.repeats else Calling)(step, self, self.captures - 1)

    def groups(self):
        """The sizes of the calls of training steps."""
        return [times for times, name in self.calls if name.startswith("training_step")]


class Calling:
    def __init__(self, step, recorder, plan):
        self.step, self.recorder, self.plan = step, recorder, plan

    def __call__(self):
        self.run(1)

    def run(self, times):
        number = len(self.recorder.calls)
        self.recorder.plans.append((self.plan, times))
        self.recorder.calls.append((times, self.step.__qualname__))
        for done in range(times):
            if done == times // 2 and number in self.recorder.after:
                self.recorder.after[number]()
            self.step()


class Repeating(Calling):
    def repeat(self, times):
        self.run(times)


def ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)
