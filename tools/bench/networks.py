"""The reference networks here, in PyTorch, ONNX Runtime and OpenVINO: forward passes and training steps, in turns, float32.

usage: networks.py forward|step [NETWORK ...]      (CACHE=DIR keeps the ONNX files, THREADS=2)

Builds the bench first. Each figure is a process of its own, so that peak memory (of the whole process, weights and program
included) is its own. Prints minimum / median milliseconds, and MiB.
"""
import json, os, re, resource, statistics, subprocess, sys, tempfile, time

THREADS = int(os.environ.get("THREADS", "2"))
CACHE = os.environ.get("CACHE", os.path.join(tempfile.gettempdir(), "networks-onnx"))
NAMES = ("resnet18 resnet50 densenet121 efficientnet_b0 vit_base_patch16_224 swin_tiny basic_unet_2d basic_unet_3d "
         "segresnet_3d swin_unetr nnunet_plain_3d yolov8n yolov5mu").split()


def build(name):
    import torch.nn as nn
    if name in ("resnet18", "resnet50", "densenet121", "efficientnet_b0", "swin_tiny"):
        import torchvision.models as models
        return getattr(models, name.replace("tiny", "t"))(weights=None), (1, 3, 224, 224)
    if name.startswith("vit"):
        import timm
        return timm.create_model(name, pretrained=False), (1, 3, 224, 224)
    if name.startswith("yolo"):
        from ultralytics.nn.tasks import DetectionModel
        return DetectionModel(name.replace("u", "") + ".yaml", verbose=False), (1, 3, 640, 640)
    volume = (1, 1, 96, 96, 96)
    if name.startswith("nnunet"):
        from dynamic_network_architectures.architectures.unet import PlainConvUNet
        return PlainConvUNet(1, 5, (32, 64, 128, 256, 320), nn.Conv3d, 3, (1, 2, 2, 2, 2), (2,) * 5, 14, (2,) * 4, conv_bias=True,
                             norm_op=nn.InstanceNorm3d, norm_op_kwargs={"eps": 1e-5, "affine": True}, nonlin=nn.LeakyReLU,
                             nonlin_kwargs={"inplace": True}), volume
    import monai.networks.nets as nets
    features = (32, 32, 64, 128, 256, 32)
    return {
        "basic_unet_2d": lambda: (nets.BasicUNet(spatial_dims=2, in_channels=1, out_channels=2, features=features), (1, 1, 256, 256)),
        "basic_unet_3d": lambda: (nets.BasicUNet(spatial_dims=3, in_channels=1, out_channels=14, features=features), volume),
        "segresnet_3d": lambda: (nets.SegResNet(spatial_dims=3, init_filters=16, in_channels=1, out_channels=14), volume),
        "swin_unetr": lambda: (nets.SwinUNETR(in_channels=1, out_channels=14, feature_size=24), volume),
    }[name]()


def timed(run, count, warm):
    for _ in range(warm):
        run()
    ms = []
    start = time.perf_counter()
    while len(ms) < 3 or (len(ms) < count and time.perf_counter() - start < 5):
        begin = time.perf_counter()
        run()
        ms.append((time.perf_counter() - begin) * 1e3)
    return min(ms), statistics.median(ms)


def scalar(y):
    import torch
    if torch.is_tensor(y):
        return y.float().pow(2).mean()
    y = y.values() if isinstance(y, dict) else y
    return sum(scalar(v) for v in y if torch.is_tensor(v) or isinstance(v, (list, tuple, dict)))


def pytorch(name, what, last):
    import torch
    torch.set_num_threads(THREADS)
    model, shape = build(name)
    x = torch.randn(4 if what == "step" and len(shape) == 4 else 1, *shape[1:])
    if last:
        layout = torch.channels_last if len(shape) == 4 else torch.channels_last_3d
        model, x = model.to(memory_format=layout), x.to(memory_format=layout)
    if what == "forward":
        model.eval()
        with torch.inference_mode():
            return timed(lambda: model(x), 50, 2)
    model.train()
    sgd = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)

    def step():
        loss = scalar(model(x))
        sgd.zero_grad()
        loss.backward()
        sgd.step()
    return timed(step, 10, 1)


def onnx_path(name):
    os.makedirs(CACHE, exist_ok=True)
    path = os.path.join(CACHE, name + ".onnx")
    if not os.path.exists(path):
        import torch
        model, shape = build(name)
        torch.onnx.export(model.eval(), torch.randn(*shape), path, opset_version=17, dynamo=False)
    return path


def runtime(name, which):
    import numpy
    path = onnx_path(name)
    shape = {"yolo": (1, 3, 640, 640), "basic_unet_2d": (1, 1, 256, 256)}.get(name[:4] if name[:4] == "yolo" else name)
    shape = shape or ((1, 1, 96, 96, 96) if NAMES.index(name) in range(7, 11) else (1, 3, 224, 224))
    x = numpy.random.default_rng(0).standard_normal(shape).astype("float32")
    if which == "onnxruntime":
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        feed = {session.get_inputs()[0].name: x}
        return timed(lambda: session.run(None, feed), 50, 2)
    import openvino
    core = openvino.Core()
    core.set_property("CPU", {"INFERENCE_NUM_THREADS": THREADS, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"})
    request = core.compile_model(path, "CPU").create_infer_request()
    return timed(lambda: request.infer([x]), 50, 2)


def here(bench, name, what):
    run = subprocess.run(["/usr/bin/env", f"RAYON_NUM_THREADS={THREADS}", bench, "--bench", "--noplot", f"^{name}/{what}$"],
                         capture_output=True, text=True, check=True, cwd=tempfile.gettempdir())
    path = os.path.join(tempfile.gettempdir(), "target", "criterion", name, what, "new", "sample.json")
    if not os.path.exists(path):
        sys.exit("no measurement in " + path + "\n" + run.stdout)
    sample = json.load(open(path))
    ms = sorted(t / n / 1e6 for t, n in zip(sample["times"], sample["iters"]))
    return ms[0], statistics.median(ms)


def main():
    what, names = sys.argv[1], sys.argv[2:] or NAMES
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    built = subprocess.run(["cargo", "bench", "--bench", "networks", "--no-run"], capture_output=True, text=True, check=True, cwd=root)
    bench = os.path.join(root, re.search(r"\((\S+networks-\S+)\)", built.stderr).group(1))
    kinds = ["here", "torch", "torch-last"] + (["onnxruntime", "openvino"] if what == "forward" else [])
    print(f"{'network':22}" + "".join(f"{kind:>26}" for kind in kinds), flush=True)
    for name in names:
        if what == "forward":
            subprocess.run([sys.executable, __file__, "--onnx", name], check=True, capture_output=True)
        row = ""
        for kind in kinds:
            run = subprocess.run([sys.executable, __file__, "--one", kind, name, what, bench], capture_output=True, text=True)
            if run.returncode:
                row += f"{'failed':>26}"
                print(run.stderr[-500:], file=sys.stderr)
                continue
            least, middle, peak = json.loads(run.stdout.splitlines()[-1])
            row += f"{least:9.1f} /{middle:8.1f}{peak:6.0f}M"
        print(f"{name:22}{row}", flush=True)


if sys.argv[1] == "--onnx":
    onnx_path(sys.argv[2])
elif sys.argv[1] == "--one":
    kind, name, what, bench = sys.argv[2:]
    if kind == "here":
        figures = here(bench, name, what)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    else:
        figures = pytorch(name, what, kind == "torch-last") if kind.startswith("torch") else runtime(name, kind)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps([*figures, peak / 1024]))
else:
    main()
