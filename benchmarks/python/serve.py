"""PyTorch as an engine under test: one JSON request a line on stdin, one answer a line on stdout.

Requests are `{id, method, params}`, answers `{id, result}` or `{id, error}`, as in engines/child.mjs. Weights, images and
activations are channels-last, which is the faster layout for PyTorch on a CPU; f32, no gradients.
"""

import json
import resource
import sys
import time
import traceback
from pathlib import Path

import torch
from safetensors.torch import load_file

from unet import Unet


class Engine:
    def load(self, folder, threads, batch):
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)
        config = json.loads((Path(folder) / "config.json").read_text())
        with torch.device("meta"):
            network = Unet(config)
        state = load_file(Path(folder) / "diffusion_pytorch_model.safetensors")
        network.load_state_dict(state, assign=True)
        self.network = network.eval().to(memory_format=torch.channels_last)
        sample = wave(batch * config["in_channels"] * 32 * 32, 1).view(batch, -1, 32, 32)
        text = wave(batch * 77 * config["cross_attention_dim"], 2).view(batch, 77, -1)
        sample = sample.contiguous(memory_format=torch.channels_last)
        self.inputs = (sample, torch.full((batch,), 500.0), text)
        return {"name": "torch", "version": torch.__version__, "threads": torch.get_num_threads(), "batch": batch}

    def forward(self):
        with torch.inference_mode():
            start = time.perf_counter()
            self.out = self.network(*self.inputs)
            return {"seconds": time.perf_counter() - start}

    def output(self):
        return {"values": self.out.contiguous().flatten().tolist()}

    def cpuMs(self):
        used = resource.getrusage(resource.RUSAGE_SELF)
        return 1000 * (used.ru_utime + used.ru_stime)


def wave(count, shift):
    """The numbers of engines/unet.mjs."""
    return torch.sin(12.9898 * torch.arange(count, dtype=torch.float64) + shift).mul(1.4).float()


def main():
    engine = Engine()
    for line in sys.stdin:
        request = json.loads(line)
        answer = {"id": request["id"]}
        try:
            answer["result"] = getattr(engine, request["method"])(**(request.get("params") or {}))
        except Exception:
            answer["error"] = traceback.format_exc()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
