"""How our values differ from tf-explain's, said once for each method."""

from __future__ import annotations

DIFFERS = {
    "activations": "every channel is drawn over its own range, in colours, not all over one",
    "grad_cam": (
        "the paper's map, before its ReLU, of the logit; tf-explain's default multiplies guided "
        "gradients, without a ReLU, and stretches each picture"
    ),
    "gradients": "signed gradients of the logit; tf-explain draws magnitudes, standardised",
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
