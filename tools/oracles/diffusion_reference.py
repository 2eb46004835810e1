"""Golden values of diffusers and transformers: `python tools/oracles/diffusion_reference.py packages/nets/fixtures`.

Made with torch 2.13.0+cpu, transformers 5.18.0 and diffusers 0.40.0.dev0 (see io.json beside the values). Tiny
random-weight networks, their inputs and what the reference says; the scheduler trajectories; one guided edit. The values
are those of the shared set of golden files (its make.py, seed 0).
"""
import argparse
import json
import os

import diffusers
import torch
import transformers
from diffusers import (
    AutoencoderKL, DDIMScheduler, DPMSolverMultistepScheduler, EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler, UNet2DConditionModel,
)
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPVisionConfig, CLIPVisionModelWithProjection

parser = argparse.ArgumentParser()
parser.add_argument("out")
parser.add_argument("--seed", type=int, default=0, help="odd seeds make networks of another layout")
arguments = parser.parse_args()
seed = arguments.seed
odd = seed % 2 == 1
torch.set_grad_enabled(False)


def rng(key):
    return torch.Generator().manual_seed(1000 * seed + key)


def spread(model, key):
    """Random initialisation leaves biases at zero and norms at one; make every tensor matter."""
    generator = rng(key)
    for _name, parameter in model.named_parameters():
        if parameter.dim() < 2:
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return model.eval()


def put(name, model, values, note):
    folder = os.path.join(arguments.out, name)
    os.makedirs(folder, exist_ok=True)
    if model is not None:
        model.save_pretrained(folder, safe_serialization=True)
    save_file({key: value.contiguous() for key, value in values.items()}, os.path.join(folder, "io.safetensors"))
    versions = {library.__name__: library.__version__ for library in (torch, transformers, diffusers)}
    with open(os.path.join(folder, "io.json"), "w") as file:
        json.dump({
            "made_with": versions,
            "seed": seed,
            "note": note,
            "io": {key: [str(value.dtype).replace("torch.", ""), list(value.shape)] for key, value in values.items()},
        }, file, indent=1)


# One stream of initial weights: the order of the networks matters.
torch.manual_seed(seed)

text = spread(CLIPTextModel(CLIPTextConfig(
    vocab_size=300, hidden_size=32, intermediate_size=64, num_hidden_layers=2 + odd, num_attention_heads=4,
    max_position_embeddings=20, hidden_act="quick_gelu", bos_token_id=298, eos_token_id=299, pad_token_id=299,
)), 1)
ids = torch.randint(0, 297, (2, 20), generator=rng(2))
ids[:, 0] = 298
ids[:, 12:] = 299
result = text(ids)
put("clip-text", text, {
    "input_ids": ids, "last_hidden_state": result.last_hidden_state, "pooler_output": result.pooler_output,
}, "CLIPTextModel; pooled at the first end token")

vision = spread(CLIPVisionModelWithProjection(CLIPVisionConfig(
    hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, image_size=32, patch_size=8,
    projection_dim=16,
)), 3)
pixels = torch.randn(2, 3, 32, 32, generator=rng(4))
result = vision(pixels)
put("clip-vision", vision, {
    "pixel_values": pixels, "image_embeds": result.image_embeds, "last_hidden_state": result.last_hidden_state,
}, "CLIPVisionModelWithProjection")

blocks = [32, 64, 64] if odd else [32, 64]
unet = spread(UNet2DConditionModel(
    sample_size=16, in_channels=8, out_channels=4, block_out_channels=blocks, layers_per_block=1 if odd else 2,
    down_block_types=["CrossAttnDownBlock2D"] * (len(blocks) - 1) + ["DownBlock2D"],
    up_block_types=["UpBlock2D"] + ["CrossAttnUpBlock2D"] * (len(blocks) - 1),
    cross_attention_dim=32, attention_head_dim=8 if odd else 4, norm_num_groups=16 if odd else 8,
), 5)
sample = torch.randn(3, 8, 16, 16, generator=rng(6))
timestep = torch.tensor([1, 500, 999])
states = torch.randn(3, 20, 32, generator=rng(7))
put("unet", unet, {
    "sample": sample, "timestep": timestep, "encoder_hidden_states": states, "out": unet(sample, timestep, states).sample,
}, "UNet2DConditionModel, one forward with three timesteps")

vae = spread(AutoencoderKL(
    in_channels=3, out_channels=3, block_out_channels=[32, 64, 64], down_block_types=["DownEncoderBlock2D"] * 3,
    up_block_types=["UpDecoderBlock2D"] * 3, layers_per_block=2 if odd else 1, latent_channels=4, norm_num_groups=16,
    sample_size=32,
), 8)
image = torch.rand(2, 3, 32, 32, generator=rng(9)) * 2 - 1
posterior = vae.encode(image).latent_dist
put("vae", vae, {
    "image": image, "mean": posterior.mean, "logvar": posterior.logvar,
    "decoded_mode": vae.decode(posterior.mode()).sample,
}, "AutoencoderKL: posterior mean and log-variance, decode of the mode")

# Schedulers on a fixed prediction.
values = {}
common = dict(num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
ddim = dict(clip_sample=False, set_alpha_to_one=False, steps_offset=1)
for name, scheduler_class, settings in [
    ("ddim", DDIMScheduler, ddim),
    ("euler", EulerDiscreteScheduler, dict(steps_offset=1)),
    ("euler_a", EulerAncestralDiscreteScheduler, dict(steps_offset=1)),
    ("dpmpp_2m", DPMSolverMultistepScheduler, dict(steps_offset=1)),
]:
    for steps in (5, 20):
        scheduler = scheduler_class(**common, **settings)
        scheduler.set_timesteps(steps)
        z = torch.randn(1, 4, 8, 8, generator=rng(10)) * scheduler.init_noise_sigma
        trajectory, noises, generator = [z], [], rng(11)
        for t in scheduler.timesteps:
            epsilon = 0.3 * scheduler.scale_model_input(z, t) + 0.1 * torch.sin(t / 100)
            if name == "euler_a":
                # The noise that this step is about to draw.
                copy = torch.Generator()
                copy.set_state(generator.get_state())
                noises.append(torch.randn(z.shape, generator=copy))
                z = scheduler.step(epsilon, t, z, generator=generator).prev_sample
            else:
                z = scheduler.step(epsilon, t, z).prev_sample
            trajectory.append(z)
        values[f"{name}.{steps}.timesteps"] = scheduler.timesteps.float()
        values[f"{name}.{steps}.trajectory"] = torch.stack(trajectory)
        if noises:
            values[f"{name}.{steps}.noise"] = torch.stack(noises)
        if hasattr(scheduler, "sigmas"):
            values[f"{name}.{steps}.sigmas"] = scheduler.sigmas.float()
put("schedulers", None, values, "eps(x_in, t) = 0.3 x_in + 0.1 sin(t/100), x_in after scale_model_input; "
    "euler_a: the noise added at each step is given (unused at the last)")

# Dual guidance by its formula.
instruction = torch.randint(0, 297, (1, 20), generator=rng(12))
instruction[:, 0] = 298
instruction[:, 9:] = 299
empty = torch.full((1, 20), 299)
empty[:, 0] = 298
full, null = text(instruction).last_hidden_state, text(empty).last_hidden_state
source = torch.rand(1, 3, 64, 64, generator=rng(13)) * 2 - 1
latent = vae.encode(source).latent_dist.mode()
scheduler = DDIMScheduler(**common, **ddim)
scheduler.set_timesteps(6)
z = noise = torch.randn(latent.shape, generator=rng(14)) * scheduler.init_noise_sigma
for t in scheduler.timesteps:
    noisy = scheduler.scale_model_input(torch.cat([z] * 3), t)
    joined = torch.cat([noisy, torch.cat([latent, latent, torch.zeros_like(latent)])], 1)
    with_text, with_image, with_none = unet(joined, t, torch.cat([full, null, null])).sample.chunk(3)
    guided = with_none + 3.0 * (with_text - with_image) + 1.4 * (with_image - with_none)
    z = scheduler.step(guided, t, z).prev_sample
put("edit", None, {
    "instruction_ids": instruction, "null_ids": empty, "source": source, "image_latent": latent, "noise": noise,
    "latent": z, "decoded": vae.decode(z / vae.config.scaling_factor).sample,
}, "six DDIM steps, text guidance 3.0, image guidance 1.4, image latents = mode, unscaled; modules clip-text, unet, "
   "vae of this folder")
