"""bench/peer_torch.py FOLDER THREADS: what a user of PyTorch and torchvision runs for the same results.

Answers the lines of bench/worker.lua; 'make NET' writes FOLDER/NET.pth.
    bench/peer_torch.py picture NET WEIGHTS IMAGE OUT     a whole process: Grad-CAM of a picture, drawn over it
Weights are random: only time is measured.
"""
import sys
import time
import warnings

warnings.filterwarnings("ignore")
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

CLASS = 5
LAST = {"alexnet": "features.11", "vgg16": "features.29", "googlenet": "inception5b", "squeezenet1_1": "features.12",
        "densenet121": "features.norm5", "mobilenet_v2": "features.18"}


def build(name):
    more = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    net = getattr(torchvision.models, name)(weights=None, **more).eval()
    for p in net.parameters():
        p.requires_grad_(False)
    for m in net.modules():
        if isinstance(m, (nn.ReLU, nn.ReLU6)):
            m.inplace = False
    return net


class Guided(torch.autograd.Function):
    """min(max(x, 0), most), whose gradient passes where it and its derivative are positive."""
    @staticmethod
    def forward(ctx, x, most):
        ctx.save_for_backward(x)
        ctx.most = most
        return x.clamp(0, most)

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * ((x > 0) & (x < ctx.most) & (g > 0)), None


def gradient(net, x):
    x = x.clone().requires_grad_(True)
    return torch.autograd.grad(net(x)[:, CLASS].sum(), x)[0]


def guided(net, x):
    """torchvision's rectifiers call F.relu, by a module or without; those of MobileNet are F.hardtanh."""
    relu, hardtanh = F.relu, F.hardtanh
    F.relu = lambda t, inplace=False: Guided.apply(t, float("inf"))
    F.hardtanh = lambda t, least, most, inplace=False: Guided.apply(t, most)
    try:
        return gradient(net, x)
    finally:
        F.relu, F.hardtanh = relu, hardtanh


def maps_and_score(net, name, x):
    """What the last layer with height and width gave, as the start of a gradient, and the score."""
    kept = {}
    layer = dict(net.named_modules())[LAST.get(name, "layer4")]

    def keep(module, args, out):
        kept["maps"] = out.requires_grad_(True)
        return kept["maps"].clone()  # what follows may work in place
    hook = layer.register_forward_hook(keep)
    score = net(x)[0, CLASS]
    hook.remove()
    return kept["maps"], score


def gradcam(net, name, x):
    maps, score = maps_and_score(net, name, x)
    (g,) = torch.autograd.grad(score, maps)
    return F.relu((maps * g.mean((2, 3), keepdim=True)).sum(1)).detach()


@torch.no_grad()
def occlusion(net, x, prob, size=32, stride=8, batch=25):
    def score(z):
        return (torch.softmax(z, 1) if prob else z)[:, CLASS]
    clean = score(net(x))[0]
    corners = [(i, j) for i in range(0, 224 - size + 1, stride) for j in range(0, 224 - size + 1, stride)]
    total, count = torch.zeros(224, 224), torch.zeros(224, 224)
    for at in range(0, len(corners), batch):
        part = corners[at:at + batch]
        hidden = x.repeat(len(part), 1, 1, 1)
        for k, (i, j) in enumerate(part):
            hidden[k, :, i:i + size, j:j + size] = 0
        drop = clean - score(net(hidden))
        for k, (i, j) in enumerate(part):
            total[i:i + size, j:j + size] += drop[k]
            count[i:i + size, j:j + size] += 1
    return total / count


def smoothgrad(net, x, samples=50, batch=10):
    total = 0
    for _ in range(samples // batch):
        total = total + gradient(net, x + 0.15 * torch.randn(batch, 3, 224, 224)).sum(0)
    return total / samples


def integrated_gradients(net, x, steps=50, batch=10):
    total = 0
    for t in torch.split((torch.arange(steps) + 0.5) / steps, batch):
        total = total + gradient(net, t.view(-1, 1, 1, 1) * x).sum(0)
    return x[0] * total / steps


@torch.no_grad()
def scorecam(net, name, x, batch=16):
    maps = maps_and_score(net, name, x)[0][0]
    up = F.interpolate(maps[None], size=(224, 224), mode="bilinear", align_corners=False)[0]
    least, most = up.amin((1, 2), keepdim=True), up.amax((1, 2), keepdim=True)
    masks = (up - least) / (most - least).clamp(min=1e-12)
    scores = torch.cat([net(x * m[:, None])[:, CLASS] for m in torch.split(masks, batch)])
    return F.relu((torch.softmax(scores, 0)[:, None, None] * maps).sum(0))


def train():
    def conv(i, o):
        return [nn.Conv2d(i, o, 3, padding=1), nn.ReLU()]
    net = nn.Sequential(nn.Conv2d(3, 32, 7, 2, 3), nn.ReLU(), nn.MaxPool2d(3, 2, 1), *conv(32, 64), *conv(64, 64),
                        nn.MaxPool2d(3, 2, 1), *conv(64, 128), *conv(128, 128), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                        nn.Linear(128, 20))
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    x, y = torch.randn(64, 3, 96, 96), torch.arange(64) % 20

    def step():
        optimiser.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimiser.step()
    return step


def job(task, name, path):
    if task == "train":
        return train()
    net, x = build(name), torch.randn(1, 3, 224, 224)

    def forward():
        with torch.no_grad():
            return net(x)

    def load():
        fresh = build(name)
        fresh.load_state_dict(torch.load(path))
        with torch.no_grad():
            return fresh(x)
    return {"forward": forward, "load": load, "gradient": lambda: gradient(net, x), "guided": lambda: guided(net, x),
            "gradcam": lambda: gradcam(net, name, x), "occlusion": lambda: occlusion(net, x, True),
            "occlusion-logit": lambda: occlusion(net, x, False),
            "smoothgrad": lambda: smoothgrad(net, x), "integrated_gradients": lambda: integrated_gradients(net, x),
            "scorecam": lambda: scorecam(net, name, x)}[task]


def picture(name, weights, image, out):
    from PIL import Image
    import numpy
    from torchvision import transforms
    net = build(name)
    net.load_state_dict(torch.load(weights))
    shown = transforms.CenterCrop(224)(transforms.Resize(256)(Image.open(image).convert("RGB")))
    x = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])(transforms.ToTensor()(shown))[None]
    heat = F.interpolate(gradcam(net, name, x)[None], size=(224, 224), mode="bilinear", align_corners=False)[0, 0]
    heat = (heat / heat.max().clamp(min=1e-12)).numpy()
    colour = numpy.stack([numpy.clip(1.5 - abs(4 * heat - k), 0, 1) for k in (3, 2, 1)], 2)
    Image.fromarray(numpy.uint8(127.5 * colour + 0.5 * numpy.asarray(shown))).save(out)


def answer(folder, state, verb, *rest):
    if verb == "make":
        torch.save(build(rest[0]).state_dict(), f"{folder}/{rest[0]}.pth")
        return "ok"
    if verb == "setup":
        state["job"] = job(rest[0], rest[1], f"{folder}/{rest[1]}.pth")
        state["job"]()
        state["last"] = 0
        return "ready"
    times = []
    for i in range(int(rest[0]) + (state["last"] < 200)):
        start = time.perf_counter()
        state["job"]()
        state["last"] = 1e3 * (time.perf_counter() - start)
        times.append(state["last"])
    return " ".join(f"{t:.4f}" for t in times[-int(rest[0]):])


def main():
    if sys.argv[1] == "picture":
        return picture(*sys.argv[2:])
    torch.set_num_threads(int(sys.argv[2]))
    print("PyTorch", torch.__version__.split("+")[0], flush=True)
    state = {}
    for line in sys.stdin:
        print(answer(sys.argv[1], state, *line.split()), flush=True)


try:
    main()
except KeyboardInterrupt:
    sys.exit(130)
