"""The explorer as a widget of a notebook: the same page in a frame, which another page can be put into."""

import importlib
from typing import Any

from markovgpt.errors import InvalidInput
from markovgpt.explorer.page import FRAME_HEIGHT, ExplorerPage

FRAME = f"""
function render({{ model, el }}) {{
  const frame = document.createElement("iframe");
  frame.title = "markovgpt explorer";
  frame.sandbox = "allow-scripts allow-downloads";
  frame.width = "100%";
  frame.height = "{FRAME_HEIGHT}";
  const show = () => (frame.srcdoc = model.get("page"));
  model.on("change:page", show);
  show();
  el.append(frame);
}}
export default {{ render }};
"""


def explorer_widget(page: ExplorerPage) -> Any:
    """A page as an anywidget: assign another page's html to its ``page`` and the frame shows that.

    Raises
    ------
    InvalidInput: anywidget is not there; a notebook shows the page itself all the same.
    """
    try:
        anywidget, traitlets = importlib.import_module("anywidget"), importlib.import_module("traitlets")
    except ImportError as error:
        raise InvalidInput(
            "a widget must have anywidget, got none; pip install 'markovgpt[notebook]', or show the page itself"
        ) from error
    widget = type(
        "ExplorerWidget",
        (anywidget.AnyWidget,),
        {"_esm": FRAME, "page": traitlets.Unicode().tag(sync=True), "__doc__": "The explorer's page in a frame."},
    )
    return widget(page=page.html)
