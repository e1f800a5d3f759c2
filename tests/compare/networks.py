"""Random networks and configs from a seed, and a count of what they cover.

What there is to cover comes from the JSON Schema that the old program prints: layer types, their keys, and the choices
of the config's keys."""

from collections import Counter


def schema_layers(schema):
    """{layer type: [keys]} of the schema."""
    layers = {}
    for layer in schema["properties"]["layers"]["items"]["oneOf"]:
        properties = layer["properties"]
        layers[properties["type"]["const"]] = [key for key in properties if key != "type"]
    return layers


def schema_choices(schema):
    """{dotted key: [values]} of all keys with a list of choices, or with true and false."""
    choices = {}

    def walk(prefix, properties):
        for key, value in properties.items():
            path = f"{prefix}.{key}" if prefix else key
            if "properties" in value:
                walk(path, value["properties"])
            elif "enum" in value:
                choices[path] = value["enum"]
            elif value.get("type") == "boolean":
                choices[path] = [False, True]

    walk("", schema["properties"])
    return choices


class Coverage:
    """Counts layer types, their keys, kinds of network and values of the config."""

    def __init__(self, schema):
        self.layers = schema_layers(schema)
        self.choices = schema_choices(schema)
        self.seen = Counter()

    def add_layers(self, layers, depth=0):
        """Counts a list of layers, those inside residuals too."""
        for layer in layers:
            self.seen[layer["type"]] += 1
            for key in layer:
                self.seen[f"{layer['type']}.{key}"] += 1
            if layer["type"] == "conv" and layer.get("stride", 1) > 1:
                self.seen["conv with a stride"] += 1
            if layer["type"] in ("maxpool", "avgpool") and layer.get("stride", layer["size"]) < layer["size"]:
                self.seen[f"overlapping {layer['type']}"] += 1
            if layer["type"] == "residual":
                self.seen["nested residual" if depth else "residual at the top"] += 1
                self.add_layers(layer["layers"], depth + 1)

    def add_config(self, config):
        """Counts the network and the choices of a resolved config, which names every key."""
        self.add_layers(config["layers"])
        self.seen[f"channels {config['image']['channels']}"] += 1
        for path in self.choices:
            value = config
            for key in path.split("."):
                value = value.get(key, {}) if isinstance(value, dict) else {}
            if not isinstance(value, dict):
                self.seen[f"{path}={value}"] += 1

    def add_model(self, names):
        """Counts what only tensors show: which residuals have a projection."""
        if any(".projection." in f".{name}" for name in names):
            self.seen["residual with a projection"] += 1

    def missing_layers(self):
        """Layer types, keys of layers and kinds of network that no case had."""
        wanted = list(self.layers)
        wanted += [f"{layer}.{key}" for layer, keys in self.layers.items() for key in keys]
        wanted += ["conv with a stride", "overlapping maxpool", "overlapping avgpool", "nested residual"]
        wanted += ["residual with a projection", "channels 1", "channels 3"]
        return [name for name in wanted if not self.seen[name]]

    def missing_choices(self):
        """Values of the config's keys that no case had."""
        wanted = [f"{path}={value}" for path, values in self.choices.items() for value in values]
        return [name for name in wanted if not self.seen[name]]


# --- networks ---


def random_conv(random, filters=None):
    """A convolution whose kernel, stride and padding are random, those of the Winograd form often."""
    layer = {
        "type": "conv",
        "filters": filters or random.choice([1, 3, 5, 8, 16, 17, 20]),
        "kernel": random.choice([1, 2, 3, 3, 3, 4, 5]),
    }
    if random.random() < 0.3:
        layer["stride"] = random.choice([1, 2, 3])
    if random.random() < 0.7:
        layer["padding"] = random.choice(["same", "same", "valid", 1, 2])
    return layer


def with_newer_keys(random, layers, known):
    """The same layers with keys that not every program knows: those of `known`, {layer type: [keys]}."""
    for layer in layers:
        keys = known.get(layer["type"], [])
        if layer["type"] == "conv" and "groups" in keys and random.random() < 0.4:
            layer["groups"] = random.choice([1, 2, 4, layer["filters"]])
        if layer["type"] == "conv" and "bias" in keys and random.random() < 0.3:
            layer["bias"] = False
        if layer["type"] in ("maxpool", "avgpool") and "padding" in keys and random.random() < 0.3:
            layer["padding"] = random.choice([1, "same", "same_upper", [0, 1, 1, 0]])
        if layer["type"] == "relu" and "max" in keys and random.random() < 0.4:
            layer["max"] = random.choice([6, 0.5])
        if layer["type"] in ("relu", "leaky_relu") and "silu" in known and random.random() < 0.2:
            layer.clear()
            layer["type"] = "silu"
        if layer["type"] == "residual":
            if "projection" in keys and random.random() < 0.3:
                layer["projection"] = "batchnorm"
            with_newer_keys(random, layer["layers"], known)
    return layers


def random_pool(random):
    """A pooling layer, often with windows that overlap."""
    layer = {"type": random.choice(["maxpool", "maxpool", "avgpool"]), "size": random.choice([2, 2, 3])}
    if random.random() < 0.5:
        layer["stride"] = random.choice([1, 2, 3])
    return layer


def random_activation(random):
    """A layer that keeps the shape."""
    kind = random.choice(["relu", "relu", "leaky_relu", "batchnorm", "dropout"])
    layer = {"type": kind}
    if kind == "leaky_relu" and random.random() < 0.5:
        layer["negative_slope"] = random.choice([0.0, 0.2, 1.0])
    if kind == "batchnorm" and random.random() < 0.5:
        layer.update(eps=random.choice([1e-3, 1e-5]), momentum=random.choice([0.05, 0.5]))
    if kind == "dropout":
        layer["rate"] = random.choice([0.1, 0.5])
    return layer


def random_residual(random, depth):
    """A residual that keeps rows and columns (unless its stride or a pool says otherwise), nested ones among them."""
    layers = []
    for _ in range(random.choice([1, 1, 2, 3])):
        kind = random.random()
        if kind < 0.5:
            layers.append({"type": "conv", "filters": random.choice([4, 8, 16, 20]), "kernel": 3, "padding": "same"})
            if random.random() < 0.2:
                layers[-1]["stride"] = 2
        elif kind < 0.65 and depth < 2:
            layers.append(random_residual(random, depth + 1))
        elif kind < 0.75:
            layers.append({"type": "maxpool", "size": 2})
        else:
            layers.append(random_activation(random))
    return {"type": "residual", "layers": layers}


def random_layers(random):
    """Layers of a network whose shapes may not fit: the program decides, and another one is drawn."""
    layers = []
    for _ in range(random.randint(1, 6)):
        kind = random.random()
        if kind < 0.4:
            layers.append(random_conv(random))
        elif kind < 0.55:
            layers.append(random_pool(random))
        elif kind < 0.7:
            layers.append(random_residual(random, 0))
        if random.random() < 0.6:
            layers.append(random_activation(random))
    if random.random() < 0.3:
        layers.append({"type": "global_avgpool"})
    layers.append({"type": "flatten"})
    for _ in range(random.choice([0, 0, 1, 2])):
        layers.append({"type": "dense", "units": random.choice([1, 7, 16, 33])})
        layers.append(random_activation(random))
    return layers + [{"type": "dense", "units": 1}, {"type": "sigmoid"}]


def fixed_layers(known):
    """Networks with features that random ones might not have. known: {layer type: [keys]}."""
    end = [{"type": "flatten"}, {"type": "dense", "units": 1}, {"type": "sigmoid"}]
    conv = {"type": "conv", "filters": 16, "kernel": 3, "padding": "same"}
    inner = {
        "type": "residual",
        "layers": [conv, {"type": "batchnorm", "eps": 1e-4, "momentum": 0.2}, {"type": "relu"}],
    }
    layers = [
        # Winograd, ReLU and pooling in one step; windows that overlap; every layer that prediction leaves out or merges
        [
            conv,
            {"type": "batchnorm"},
            {"type": "relu"},
            {"type": "maxpool", "size": 2},
            {**conv, "filters": 20},
            {"type": "relu"},
            {"type": "maxpool", "size": 3, "stride": 2},
            {"type": "dropout", "rate": 0.3},
            {"type": "global_avgpool"},
            *end,
        ],
        # residuals with and without projection, nested
        [
            {**conv, "filters": 8},
            {
                "type": "residual",
                "layers": [inner, {**conv, "stride": 2}, {"type": "leaky_relu", "negative_slope": 0.1}],
            },
            {"type": "residual", "layers": [{"type": "relu"}, conv]},
            {"type": "avgpool", "size": 3, "stride": 2},
            *end,
        ],
        [
            {**conv, "kernel": 5, "stride": 2, "padding": 1},
            {"type": "maxpool", "size": 2, "stride": 1},
            {"type": "avgpool", "size": 2},
            {"type": "flatten"},
            {"type": "dense", "units": 20},
            {"type": "batchnorm"},
            {"type": "relu"},
            {"type": "dropout", "rate": 0.5},
            *end[1:],
        ],
    ]
    if "silu" in known:
        layers.append([conv, {"type": "silu"}, {"type": "sigmoid"}, *end])
    if "groups" in known["conv"]:
        layers.append(mobile_layers() + end)
    return layers


def mobile_layers():
    """Blocks of MobileNets and ResNets."""

    def conv(filters, kernel, **keys):
        return [{"type": "conv", "filters": filters, "kernel": kernel, "bias": False, **keys}, {"type": "batchnorm"}]

    relu6 = {"type": "relu", "max": 6}
    return [
        *conv(4, 3, stride=2, padding="same_upper"),
        relu6,
        {
            "type": "residual",
            "layers": [*conv(8, 1, groups=2), relu6, *conv(8, 3, padding="same", groups=8), relu6, *conv(4, 1)],
        },
        {"type": "maxpool", "size": 3, "stride": 2, "padding": 1},
        {"type": "residual", "projection": "batchnorm", "layers": conv(6, 3, stride=2, padding=[1, 0, 1, 2])},
        {"type": "avgpool", "size": 2, "stride": 1, "padding": [0, 0, 1, 1]},
    ]


# --- configs ---

# Values for keys that take a number, or more than a list of choices. Half of them are left at their default each time.
NUMBERS = {
    "augment.shift": [0.1, 0.25],
    "augment.rotate": [10, 180],
    "augment.zoom": [0.2],
    "augment.shear": [15],
    "augment.brightness": [0.3],
    "augment.contrast": [0.3],
    "augment.saturation": [0.5],
    "augment.cutout": [0.3],
    "augment.noise": [0.05],
    "train.momentum": [0.5, 0.95],
    "train.beta1": [0.8],
    "train.beta2": [0.99],
    "train.epsilon": [1e-6],
    "train.weight_decay": [0.01],
    "train.warmup_epochs": [0.5, 1],
    "train.step_epochs": [1],
    "train.step_factor": [0.3],
    "train.clip_norm": [0.5, 5],
    "train.label_smoothing": [0.1],
    "train.pos_weight": ["balanced", 1.7],
    "train.ema_decay": [0.9, 0.99],
    "train.early_stopping.smoothing": [0.5],
    "train.threshold": ["f1", "youden", "recall>=0.9", "precision>=0.9", "cost fp=2 fn=1", 0.4],
}
# Choices that are not drawn: these are the driver's own.
FIXED = {"data.bad_images", "data.duplicates", "image.channels"}


def set_key(config, path, value):
    """Sets a dotted key, creating the objects on its path."""
    *way, last = path.split(".")
    for key in way:
        config = config.setdefault(key, {})
    config[last] = value


def random_config(random, index, choices, known, layers=None):
    """A config without data. Choices go round with index, so that every value comes up; the rest is drawn."""
    layers = layers or with_newer_keys(random, random_layers(random), known)
    config = {
        "image": {"width": random.randint(9, 22), "height": random.randint(9, 22), "channels": [1, 3][index % 2]},
        "layers": layers,
        "train": {
            "epochs": 3,
            "batch_size": random.choice([1, 5, 16, 17, 40, 64]),
            "learning_rate": 0.02,
            "seed": random.choice([1, 7, 2**53 - 1 if index % 5 == 0 else 12345]),
        },
    }
    for number, (path, values) in enumerate(choices.items()):
        if path in FIXED:
            continue
        boolean = values == [False, True]
        set_key(
            config,
            path,
            random.choice(values) if boolean else values[(index // (1 + number % 2) + number) % len(values)],
        )
    for path, values in NUMBERS.items():
        if random.random() < 0.5:
            set_key(config, path, random.choice(values))
    if config["train"].get("schedule") == "one_cycle":
        config["train"].pop("warmup_epochs", None)
    if config["train"].get("optimizer") in ("adam", "adamw"):
        config["train"]["learning_rate"] = 0.003
    return config
