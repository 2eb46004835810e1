"""Holds the plain U-Net against a golden file: `check.py folder` with config.json, weights and io.safetensors.

Prints one JSON line with the largest difference over the largest magnitude; ends with 1 if it is above 1e-5.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

from unet import Unet


def main(folder):
    config = json.loads((folder / "config.json").read_text())
    network = Unet(config).eval()
    network.load_state_dict(load_file(folder / "diffusion_pytorch_model.safetensors"))
    values = load_file(folder / "io.safetensors")
    out_name = "out" if "out" in values else "output"
    with torch.inference_mode():
        network = network.to(memory_format=torch.channels_last)
        out = network(values["sample"].float(), values["timestep"].float(), values["encoder_hidden_states"].float())
    wanted = values[out_name]
    error = ((out - wanted).abs().max() / wanted.abs().max()).item()
    print(json.dumps({"golden": folder.name, "relativeError": error}))
    return 0 if error <= 1e-5 else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
