"""How our values differ from tf-explain's, said once for each method."""

from __future__ import annotations

DIFFERS = {
    "activations": "every channel is drawn over its own range, in colours, not all over one",
    "grad_cam": (
        "the paper's map, before its ReLU, of the logit; tf-explain's default multiplies guided "
        "gradients, without a ReLU, and stretches each picture"
    ),
    "gradients": "signed gradients of the logit; tf-explain draws magnitudes, standardised",
    "smooth_grad": (
        "signed gradients of the logit, noise as a share of each image's range, the same in every "
        "call; tf-explain draws magnitudes of the loss's gradients, and noise of its own units"
    ),
    "occlusion": (
        "what a hidden patch takes from the logit, signed, hidden by the mean of each colour; "
        "tf-explain draws 1 minus the probability that grey of 127.5 leaves"
    ),
    "gradient_x_input": "signed, of the logit; tf-explain draws magnitudes, standardised",
    "integrated_gradients": (
        "of the logit, times the input minus the baseline, by Gauss-Legendre steps; tf-explain "
        "leaves out the factor, and integrates the softmax"
    ),
}
_said: set[str] = set()


def say(method: str) -> None:
    """Prints how this method differs, the first time."""
    if method not in _said:
        _said.add(method)
        print(f"tb_activations.tf_explain, {method}: {DIFFERS[method]}; see docs/attribution.md")
