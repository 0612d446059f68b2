"""One torch thread inside, the caller's number after, also when the block fails; how many it would use else."""

import contextlib
import os
import subprocess
import sys

import pytest
import torch

from markovgpt.models.threads import one_torch_thread


@pytest.mark.parametrize("fails", [False, True])
def test_the_number_of_threads_is_restored(fails):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with contextlib.suppress(KeyError), one_torch_thread():
        assert torch.get_num_threads() == 1
        if fails:
            raise KeyError
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


@pytest.mark.parametrize("given", [{}, {"OMP_NUM_THREADS": "1"}])
def test_torch_is_not_imported_to_say_how_many_threads_it_would_use(given):
    asked = (
        "import sys; from markovgpt.models.threads import torch_threads; first = torch_threads();"
        "early = 'torch' in sys.modules; import torch;"
        "print(early, first == torch.get_num_threads() == torch_threads())"
    )
    free = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-c", asked], env=free | given, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
