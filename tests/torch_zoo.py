"""Models of torchvision, timm and transformers, with random weights: name → (model, inputs)."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

import torch
import vision
from torch import nn
from torch_kinds import Kind, tokens

NEEDED = ("torchvision", "timm", "transformers")


def missing() -> list[str]:
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


def picture(count: int = 3, side: int = 64) -> torch.Tensor:
    return torch.randn(count, 3, side, side)


def _nms(boxes: torch.Tensor, scores: torch.Tensor, threshold: float) -> torch.Tensor:
    return scores.argsort(descending=True)[:5]


_nms_is_there = False


def torchvision() -> Any:
    """The package; where its own operators cannot be loaded, with one of those that models call."""
    global _nms_is_there
    if vision.LIBRARY is not None and not _nms_is_there:
        vision.LIBRARY.impl("nms", _nms, "CPU")
        _nms_is_there = True
    return importlib.import_module("torchvision")


def _tv(name: str, side: int = 64, **options: Any) -> Kind:
    return lambda: (getattr(torchvision().models, name)(**options), picture(2, side))


def _timm(name: str, side: int = 64, **options: Any) -> Kind:
    def make() -> tuple[nn.Module, Any]:
        torchvision()
        return importlib.import_module("timm").create_model(name, **options), picture(2, side)

    return make


def _hf(name: str, config: str, inputs: Callable[[], Any], **options: Any) -> Kind:
    def make() -> tuple[nn.Module, Any]:
        torchvision()
        hf = importlib.import_module("transformers")
        hf.logging.set_verbosity_error()
        return getattr(hf, name)(getattr(hf, config)(**options)), inputs()

    return make


_TEXT = {"vocab_size": 99, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
         "intermediate_size": 48, "max_position_embeddings": 64}  # fmt: skip
_IMAGE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
          "intermediate_size": 48, "image_size": 32, "patch_size": 8}  # fmt: skip


def _ids() -> dict[str, torch.Tensor]:
    return {"input_ids": tokens(), "attention_mask": torch.ones(3, 12, dtype=torch.long)}


def _pixels(side: int = 32) -> Callable[[], dict[str, torch.Tensor]]:
    return lambda: {"pixel_values": picture(3, side)}


def _clip() -> tuple[nn.Module, Any]:
    torchvision()
    hf = importlib.import_module("transformers")
    text = {**_TEXT, "num_hidden_layers": 1, "max_position_embeddings": 16, "eos_token_id": 2,
            "bos_token_id": 1, "pad_token_id": 0}  # fmt: skip
    config = hf.CLIPConfig(text_config=text, vision_config=_IMAGE, projection_dim=16)
    return hf.CLIPModel(config), {"input_ids": tokens(), **_pixels()()}


def _detection() -> tuple[nn.Module, Any]:
    make = torchvision().models.detection.fcos_resnet50_fpn
    model = make(weights=None, weights_backbone=None, min_size=64, max_size=64)
    return model, list(picture(2))


def _segmentation() -> tuple[nn.Module, Any]:
    make = torchvision().models.segmentation.deeplabv3_mobilenet_v3_large
    return make(weights=None, weights_backbone=None), picture(2)


def _graphs() -> tuple[nn.Module, Any]:
    """Rows of the first input are nodes, the second are edges."""
    a, b = nn.Linear(4, 8), nn.Linear(8, 3)

    class Graph(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = a, b

        def forward(self, x: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
            for i, layer in enumerate((self.a, self.b)):
                x = layer(x)
                x = torch.zeros_like(x).index_add(0, edges[:, 1], x[edges[:, 0]])
                x = x if i else torch.relu(x)
            return x

    return Graph(), (torch.randn(6, 4), torch.tensor([[0, 1], [1, 2], [2, 3], [3, 4]]))


_WHISPER = {"vocab_size": 99, "d_model": 32, "encoder_layers": 1, "decoder_layers": 1,
            "encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_ffn_dim": 48,
            "decoder_ffn_dim": 48, "num_mel_bins": 16, "max_source_positions": 32,
            "max_target_positions": 16, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
            "decoder_start_token_id": 1, "suppress_tokens": None,
            "begin_suppress_tokens": None}  # fmt: skip
_SPEECH = {"vocab_size": 32, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4,
           "intermediate_size": 48, "conv_dim": (16, 16), "conv_kernel": (8, 4),
           "conv_stride": (4, 2), "num_conv_pos_embeddings": 8,
           "num_conv_pos_embedding_groups": 4, "num_feat_extract_layers": 2}  # fmt: skip

ZOO: dict[str, Kind] = {
    "graph network, rows are nodes": _graphs,
    "torchvision resnet18": _tv("resnet18"),
    "torchvision densenet121": _tv("densenet121"),
    "torchvision vgg11_bn": _tv("vgg11_bn"),
    "torchvision googlenet": _tv("googlenet", init_weights=False),
    "torchvision mobilenet_v3_small": _tv("mobilenet_v3_small"),
    "torchvision efficientnet_b0": _tv("efficientnet_b0"),
    "torchvision convnext_tiny": _tv("convnext_tiny"),
    "torchvision shufflenet_v2_x0_5": _tv("shufflenet_v2_x0_5"),
    "torchvision swin_t": _tv("swin_t"),
    "torchvision maxvit_t": _tv("maxvit_t", 224),
    "torchvision regnet_y_400mf": _tv("regnet_y_400mf"),
    "torchvision squeezenet1_0": _tv("squeezenet1_0"),
    "torchvision vit": lambda: (torchvision().models.VisionTransformer(32, 8, 2, 4, 32, 64),
                                picture(2, 32)),
    "torchvision deeplabv3, a dict returned": _segmentation,
    "torchvision fcos, lists of boxes": _detection,
    "torchvision r3d_18, video": lambda: (torchvision().models.video.r3d_18(),
                                          torch.randn(1, 3, 4, 32, 32)),
    "timm vit": _timm("vit_tiny_patch16_224", img_size=64, depth=2),
    "timm resmlp": _timm("resmlp_12_224", img_size=64),
    "timm mixer": _timm("mixer_s32_224", img_size=64),
    "timm efficientvit": _timm("efficientvit_b0"),
    "timm hrnet": _timm("hrnet_w18_small"),
    "timm nfnet": _timm("nfnet_f0"),
    "timm poolformer": _timm("poolformer_s12"),
    "timm mobilevit": _timm("mobilevit_xxs"),
    "timm edgenext": _timm("edgenext_xx_small"),
    "timm swin": _timm("swin_tiny_patch4_window7_224", 56, img_size=56, depths=(1, 1, 1, 1)),
    "timm coatnet": _timm("coatnet_nano_rw_224", 224),
    "transformers BERT": _hf("BertModel", "BertConfig", _ids, **_TEXT),
    "transformers GPT-2": _hf("GPT2LMHeadModel", "GPT2Config", _ids, vocab_size=99, n_embd=32,
                              n_layer=2, n_head=4, n_positions=64),
    "transformers Llama, grouped queries": _hf("LlamaForCausalLM", "LlamaConfig", _ids,
                                               **_TEXT, num_key_value_heads=2),
    "transformers T5": _hf("T5ForConditionalGeneration", "T5Config",
                           lambda: {"input_ids": tokens(), "decoder_input_ids": tokens(3, 5)},
                           vocab_size=99, d_model=32, d_kv=8, d_ff=48, num_layers=1, num_heads=4),
    "transformers ViT": _hf("ViTModel", "ViTConfig", _pixels(), **_IMAGE),
    "transformers Whisper": _hf("WhisperModel", "WhisperConfig",
                                lambda: {"input_features": torch.randn(3, 16, 64),
                                         "decoder_input_ids": tokens(3, 5)}, **_WHISPER),
    "transformers Wav2Vec2": _hf("Wav2Vec2Model", "Wav2Vec2Config",
                                 lambda: {"input_values": torch.randn(3, 800)}, **_SPEECH),
    "transformers CLIP, two towers": _clip,
    "transformers Mixtral, experts": _hf("MixtralForCausalLM", "MixtralConfig", _ids, **_TEXT,
                                         num_key_value_heads=2, num_local_experts=4),
    "transformers Mamba": _hf("MambaForCausalLM", "MambaConfig", lambda: {"input_ids": tokens()},
                              vocab_size=99, hidden_size=32, num_hidden_layers=1, state_size=8),
    "transformers Segformer": _hf(
        "SegformerForSemanticSegmentation", "SegformerConfig", _pixels(64), num_encoder_blocks=4,
        depths=[1] * 4, hidden_sizes=[8, 16, 16, 16], decoder_hidden_size=16,
        num_attention_heads=[1, 1, 1, 1]),
    "transformers ConvNeXt": _hf("ConvNextModel", "ConvNextConfig", _pixels(64),
                                 hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1]),
    "transformers YOLOS": _hf("YolosModel", "YolosConfig", _pixels(),
                              **{**_IMAGE, "image_size": [32, 32]}, num_detection_tokens=4),
}  # fmt: skip
