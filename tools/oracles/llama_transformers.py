"""Golden values of transformers' llama: `python tools/oracles/llama_transformers.py packages/nets/fixtures`.

Made with torch 2.13.0+cpu and transformers 5.18.0 (see io.json beside the values). A tiny random-weight network, its
input and what LlamaForCausalLM says. The values are those of the shared set of golden files (its make.py, seed 0).
"""
import argparse
import json
import os

import torch
import transformers
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM


def rng(key):
    return torch.Generator().manual_seed(key)


def spread(model, key):
    """Random initialisation leaves norms at one; make every tensor matter."""
    generator = rng(key)
    for _name, parameter in model.named_parameters():
        if parameter.dim() < 2:
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return model.eval()


parser = argparse.ArgumentParser()
parser.add_argument("out")
folder = os.path.join(parser.parse_args().out, "llama")
os.makedirs(folder, exist_ok=True)
torch.set_grad_enabled(False)

config = LlamaConfig(
    vocab_size=320, hidden_size=64, intermediate_size=160, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=128, rope_theta=10000.0, tie_word_embeddings=False,
)
torch.manual_seed(60)
model = spread(LlamaForCausalLM(config), 17)
ids = torch.randint(0, 320, (2, 24), generator=rng(18))
result = model(ids, output_hidden_states=True)
values = {"input_ids": ids, "logits": result.logits, "last_hidden": result.hidden_states[-1]}

model.save_pretrained(folder, safe_serialization=True)
save_file({name: value.contiguous() for name, value in values.items()}, os.path.join(folder, "io.safetensors"))
with open(os.path.join(folder, "io.json"), "w") as file:
    json.dump({
        "made_with": {"torch": torch.__version__, "transformers": transformers.__version__},
        "seed": 0,
        "note": "LlamaForCausalLM; last_hidden is after the final norm",
        "io": {name: [str(value.dtype).replace("torch.", ""), list(value.shape)] for name, value in values.items()},
    }, file, indent=1)
