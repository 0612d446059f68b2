"""One page to look at it: a self-contained HTML file that shows the chain and answers while one drags a slider.

`js/` holds plain ES modules, hand-written and without a build step; Python joins them, with one stylesheet and the
logits of the model, into a file that needs no network and no server.
"""
