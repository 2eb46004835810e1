"""Stable Diffusion's U-Net in plain PyTorch: the peer of `edit/unet-sd15-256`.

Layers, names and arithmetic of diffusers' UNet2DConditionModel for the configurations of Stable Diffusion 1.x (and the
InstructPix2Pix made from them): SiLU, 3x3 kernels, 1x1 convolutions around the transformers, time added to the features.
Attention is `scaled_dot_product_attention`, as diffusers calls it. Checked against the golden files by check.py.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

SD15 = {
    "in_channels": 8,
    "out_channels": 4,
    "block_out_channels": [320, 640, 1280, 1280],
    "layers_per_block": 2,
    "down_block_types": ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
    "up_block_types": ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
    "cross_attention_dim": 768,
    "attention_head_dim": 8,
    "norm_num_groups": 32,
}


class Attention(nn.Module):
    def __init__(self, width, text_width, heads):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(text_width, width, bias=False)
        self.to_v = nn.Linear(text_width, width, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def forward(self, x, source):
        batch, tokens, width = x.shape
        split = lambda y: y.view(batch, -1, self.heads, width // self.heads).transpose(1, 2)
        q, k, v = split(self.to_q(x)), split(self.to_k(source)), split(self.to_v(source))
        mixed = F.scaled_dot_product_attention(q, k, v)
        return self.to_out[0](mixed.transpose(1, 2).reshape(batch, tokens, width))


class Gated(nn.Module):
    def __init__(self, width, out):
        super().__init__()
        self.proj = nn.Linear(width, 2 * out)

    def forward(self, x):
        value, gate = self.proj(x).chunk(2, dim=-1)
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.net = nn.ModuleList([Gated(width, 4 * width), nn.Identity(), nn.Linear(4 * width, width)])

    def forward(self, x):
        return self.net[2](self.net[0](x))


class TransformerBlock(nn.Module):
    def __init__(self, width, text_width, heads):
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))
        self.attn1 = Attention(width, width, heads)
        self.attn2 = Attention(width, text_width, heads)
        self.ff = FeedForward(width)

    def forward(self, x, text):
        normed = self.norm1(x)
        x = x + self.attn1(normed, normed)
        x = x + self.attn2(self.norm2(x), text)
        return x + self.ff(self.norm3(x))


class Transformer(nn.Module):
    def __init__(self, width, text_width, heads, groups):
        super().__init__()
        self.norm = nn.GroupNorm(groups, width, eps=1e-6)
        self.proj_in = nn.Conv2d(width, width, 1)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(width, text_width, heads)])
        self.proj_out = nn.Conv2d(width, width, 1)

    def forward(self, x, text):
        batch, width, height, across = x.shape
        rows = self.proj_in(self.norm(x)).permute(0, 2, 3, 1).reshape(batch, height * across, width)
        for block in self.transformer_blocks:
            rows = block(rows, text)
        image = rows.reshape(batch, height, across, width).permute(0, 3, 1, 2)
        return self.proj_out(image) + x


class Resnet(nn.Module):
    def __init__(self, inputs, out, time_width, groups, eps):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, inputs, eps=eps)
        self.conv1 = nn.Conv2d(inputs, out, 3, padding=1)
        self.time_emb_proj = nn.Linear(time_width, out)
        self.norm2 = nn.GroupNorm(groups, out, eps=eps)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(inputs, out, 1) if inputs != out else None

    def forward(self, x, time):
        hidden = self.conv1(F.silu(self.norm1(x))) + self.time_emb_proj(F.silu(time))[:, :, None, None]
        hidden = self.conv2(F.silu(self.norm2(hidden)))
        return hidden + (x if self.conv_shortcut is None else self.conv_shortcut(x))


class Resample(nn.Module):
    def __init__(self, width, stride):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, stride=stride, padding=1)

    def forward(self, x):
        return self.conv(x)


class TimeEmbedding(nn.Module):
    def __init__(self, width, out):
        super().__init__()
        self.half = width // 2
        self.linear_1 = nn.Linear(width, out)
        self.linear_2 = nn.Linear(out, out)

    def forward(self, timestep):
        exponents = -math.log(10_000) * torch.arange(self.half, dtype=torch.float32) / self.half
        angles = timestep[:, None].float() * exponents.exp()[None]
        return self.linear_2(F.silu(self.linear_1(torch.cat([angles.cos(), angles.sin()], dim=-1))))


class Unet(nn.Module):
    """`config`: the keys of SD15; the same as in a diffusers unet/config.json."""

    def __init__(self, config):
        super().__init__()
        channels, layers = config["block_out_channels"], config["layers_per_block"]
        groups, eps = config["norm_num_groups"], config.get("norm_eps", 1e-5)
        text, time, heads = config["cross_attention_dim"], 4 * channels[0], config["attention_head_dim"]
        resnet = lambda inputs, out: Resnet(inputs, out, time, groups, eps)
        transformer = lambda width: Transformer(width, text, heads, groups)
        self.time_embedding = TimeEmbedding(channels[0], time)
        self.conv_in = nn.Conv2d(config["in_channels"], channels[0], 3, padding=1)
        self.down_blocks, self.up_blocks, self.mid_block = nn.ModuleList(), nn.ModuleList(), nn.Module()
        skips = [channels[0]]
        for index, (kind, out) in enumerate(zip(config["down_block_types"], channels)):
            block = nn.Module()
            block.resnets = nn.ModuleList(
                resnet(skips[-1] if layer == 0 else out, out) for layer in range(layers)
            )
            block.attentions = nn.ModuleList(
                transformer(out) for _ in range(layers) if kind == "CrossAttnDownBlock2D"
            )
            skips += [out] * layers
            is_last = index == len(channels) - 1
            block.downsamplers = nn.ModuleList([] if is_last else [Resample(out, 2)])
            skips += [] if is_last else [out]
            self.down_blocks.append(block)
        deepest = channels[-1]
        self.mid_block.resnets = nn.ModuleList([resnet(deepest, deepest), resnet(deepest, deepest)])
        self.mid_block.attentions = nn.ModuleList([transformer(deepest)])
        width = deepest
        for index, (kind, out) in enumerate(zip(config["up_block_types"], reversed(channels))):
            block = nn.Module()
            block.resnets = nn.ModuleList()
            for _ in range(layers + 1):
                block.resnets.append(resnet(width + skips.pop(), out))
                width = out
            block.attentions = nn.ModuleList(
                transformer(out) for _ in range(layers + 1) if kind == "CrossAttnUpBlock2D"
            )
            block.upsamplers = nn.ModuleList([] if index == len(channels) - 1 else [Resample(out, 1)])
            self.up_blocks.append(block)
        self.conv_norm_out = nn.GroupNorm(groups, channels[0], eps=eps)
        self.conv_out = nn.Conv2d(channels[0], config["out_channels"], 3, padding=1)

    def forward(self, sample, timestep, text):
        """sample [batch, in, height, width], timestep [batch], text [batch, tokens, width] -> [batch, out, height, width]"""
        time = self.time_embedding(timestep)
        x = self.conv_in(sample)
        skips = [x]
        for block in self.down_blocks:
            for layer, resnet in enumerate(block.resnets):
                x = resnet(x, time)
                if len(block.attentions) > 0:
                    x = block.attentions[layer](x, text)
                skips.append(x)
            for sampler in block.downsamplers:
                x = sampler(x)
                skips.append(x)
        x = self.mid_block.resnets[0](x, time)
        x = self.mid_block.attentions[0](x, text)
        x = self.mid_block.resnets[1](x, time)
        for block in self.up_blocks:
            for layer, resnet in enumerate(block.resnets):
                x = resnet(torch.cat([x, skips.pop()], dim=1), time)
                if len(block.attentions) > 0:
                    x = block.attentions[layer](x, text)
            for sampler in block.upsamplers:
                x = sampler(F.interpolate(x, size=skips[-1].shape[2:], mode="nearest"))
        return self.conv_out(F.silu(self.conv_norm_out(x)))
