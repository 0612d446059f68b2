"""One torch thread inside, the caller's number after, also when the block fails."""

import contextlib

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
