-- xai.help and xai.methods: what there is, from the method table, the recipes' headers and the list below.
local core = require "xai.core"
local print = print

local functions = {
  { "load", "load(path, {preprocess=, labels=, weights=, mean=}): a network from an ONNX or a Caffe file (weights: the"
    .. " .caffemodel, mean: a .binaryproto or numbers). preprocess: imagenet, caffe, tf, cifar10, none, or"
    .. " {resize=, crop=, order=, scale=, mean=, std=}. labels: a text file with a name per line, or a list" },
  { "zoo", "zoo.resnet18 {weights=, classes=, in_channels=, size=, width=, preprocess=, labels=}: an architecture; zoo() lists them" },
  { "model", "model(name or path, options): a network from the zoo, or from a file; of a file of weights the architecture is found" },
  { "inspect", "inspect(path, {weights=}): what is in a file of a network or of weights, and what of it cannot be run; print it."
    .. " .operators .problems .inputs .layers .tensors .fits" },
  { "image", "image(path): a picture from a PNG, JPEG or BMP file (or from a uint8 tensor H x W x 3)" },
  { "tensor", "tensor {{1, 2}, {3, 4}}: a tensor from nested tables; a second argument names the element type" },
  { "zeros", "zeros(3, 224, 224): a tensor of zeros" },
  { "randn", "randn(3, 224, 224): normally distributed numbers; the seed is xai.seed()" },
  { "read", "read(path): table of tensors, table of metadata, from .safetensors, .pth, .npz or .npy" },
  { "write", "write(path, tensors, meta, {half=}): the reverse; half = true rounds to float16 (.safetensors)" },
  { "sheet", "sheet {title=, rows=, cols=, cell=, scale = \"common\", \"row\" or \"column\", {picture, caption}, ...}:save(path, {json=}):"
    .. " a figure, as .png .jpg .bmp .svg .pdf (see help \"cell\")" },
  { "tiles", "tiles(tensor, {cols=, gap=, cmap=, scale = \"each\", \"row\" or \"common\", cross = true: out what has one value}):"
    .. " filters or maps side by side in one picture; tiles.box(tensor, k, options): the box around tile k in it" },
  { "filters", "filters(net, {layer=}): the filters of a convolution, by default the first: f.values, f[i], f:picture {scale = \"each\","
    .. " \"row\" or \"common\", filters=, channels=: how many}, f:caption(), and f:look(): what each of them is (see help \"look\")" },
  { "activations", "activations(net, x, {layer=}): what each channel answers to a picture: a.values, a[k], a.dead, a.strongest,"
    .. " a:picture {scale = \"each\" or \"common\", channels = how many at most}, a:caption(), a:box(k): of a channel in that picture, and a:channel(k), a result like a method's" },
  { "scenes", "scenes {seed=, size = 96, objects = 1 or {1, 2}, more=, classes=, drawings = \"train\", \"held-out\" or \"all\","
    .. " occluders=, background=, count=, font=}: labelled pictures of things that were placed at random (see help \"scene\");"
    .. " scenes.compose {size=, seed=, background=, colours=, objects = {{class=, drawing=, x=, y=, size=,"
    .. " rotation=, mirror=, hue=}, ...}}: one that you want; scenes.examples {size=, masks = true}: those that ship; scenes.classes(): the names; scenes.drawings(class, which): how many drawings" },
  { "images", "images(folder, list or scenes, {classes=, threads=, ahead=}): pictures with labels, decoded ahead by threads, in a fixed"
    .. " order. A folder with a folder per class, a .csv of path,label, or a list of paths, pictures or {path, label=} (see help"
    .. " \"set\")" },
  { "features", "features(net, images, layer, {store = folder, pool = \"mean\", \"max\" or \"none\", batch=, part = 256, threads=,"
    .. " ahead=}): what a layer (default: the one before the classifier) makes of each picture; .values n x d .labels .names .paths .index"
    .. " .skipped .seconds, f:image(row). With a store, a pass that was ended goes on where it was; features.read(folder): what a store"
    .. " holds" },
  { "rank", "rank, size: which of how many processes this is, when mpirun started them (mpirun -n 4 xairun script.lua); else 0 and 1" },
  { "score", "score(method, net, set, {metrics =, target = \"each object\" or \"largest\", options = of the method, count =,"
    .. " <metric> = {its options}}): how good a method's maps are on scenes, or a list of {image=, objects = {{class=, box=, mask=}}};"
    .. " prints as a table; score.pointing(e, object) and the others score one map (see help \"measures\")" },
  { "grabcut", "grabcut(img, {saliency = map or result, object = 0.95, background = 0.3, hard = true; or rect = {x, y, w, h}; or mask ="
    .. " H x W of 0 background, 1 object, 2 and 3 probably, iterations = 5 (saliency: 1), components = 5, gamma = 50, largest ="
    .. " (saliency: true)}): the object's pixels; .values H x W of 0 and 1, .box, .cutout the picture without the rest, .energy" },
  { "patches", "patches(net, images, {units = \"layer\", \"layer:channel\" or a list, k = 9, count = pictures at most, state = file"
    .. " .safetensors, every = 100}): the k pictures that excite each unit most, and where; images: a list, a folder, scenes, or a"
    .. " function; print it for a list (see help \"patch\")" },
  { "train", "train(net, data, options): the trained network and a list of {step=, loss=, accuracy=, validation_loss=,"
    .. " validation_accuracy=}. data: scenes, {x = tensor N x C x H x W, y = class ids}, an object with"
    .. " batch(first, n, net) and #, or a function(first, n) that returns x and y. options: epochs= or steps=, batch = 64, schedule = \"cosine\", \"step\" or"
    .. " {\"cosine\", warmup = 0.1}, augment = {flip=, crop=, brightness=, contrast=, colour=, erase=, fill=}, shuffle = false,"
    .. " soft = true (shares of classes as targets), validate = data, every = steps between rows and checkpoints, checkpoint ="
    .. " path, resume = false, on_step = function(step, loss, correct, trainer), and those of trainer" },
  { "trainer", "trainer(net, options): training step by step. options: optimiser = \"sgd\", \"adam\" or \"adamw\", lr=, momentum ="
    .. " 0.9, nesterov=, beta1=, beta2=, epsilon=, weight_decay= (of weights; decay_all = true: of everything), clip= (length of"
    .. " the gradient), loss = \"cross_entropy\" or \"mse\", smoothing=, init = \"he\", \"he_uniform\", \"xavier\", \"xavier_uniform\""
    .. " or \"keep\", init_scale = {layer = factor}, freeze = {layers, modules or patterns}, seed=" },
  { "finer_target", "finer_target(net, x, {target =, rivals = 3 or a list, alpha = 1}): a target for any method (Finer-CAM): the"
    .. " class's score minus alpha times that of the classes nearest to it" },
  { "pca", "pca(X, {dims = 2, solver = \"auto\", \"exact\" or \"randomised\", seed =}): principal components of X, N x D. .values N x dims,"
    .. " .components .mean .variance .ratio (share of the variance) .solver .seconds; p:project(Z): other points" },
  { "neighbours", "neighbours(X, {k = 5, metric = \"euclidean\" or \"cosine\", query = position, list of them or points M x D}): the k"
    .. " nearest points of X to each query (default: to each point); itself is left out. .values: positions, M x k; .distances" },
  { "tsne", "tsne(X, {perplexity = 30, iterations = 1000, seed =, method = \"auto\", \"exact\" or \"barnes-hut\", theta = 0.5, pca = 50"
    .. " or false, init = \"pca\", \"random\" or points N x 2, exaggeration = 12, early = 250, rate = max(200, N / 12), at most N, early_momentum"
    .. " = 0.5, momentum = 0.8, max_step =, on_step = function(step, kl, values), every = 50}): a map of the points. .values N x 2,"
    .. " .kl .iterations .stopped (by Ctrl-C, the map so far) .seconds; m:place(Z): new points in the finished map" },
  { "grid", "grid(points N x 2, {rows =, cols =}): a cell for each point and at most one point in each, near to where the points are;"
    .. " up to 2500 cells. .values: cell of each, counted row by row; .cells[row][col]: position or false; .rows .cols" },
  { "args", "args {\"what the script does\", name = {default, help}, ...}: the script's arguments" },
  { "methods", "methods(): the names of all methods; methods \"maps\" those that say something of a picture, methods \"pictures\" those that"
    .. " make one" },
  { "seed", "seed(n): sets the seed of everything random; without n: what it is" },
  { "threads", "threads(n): how many threads compute" },
  { "clock", "clock(): seconds, for measuring" },
  { "quiet", "quiet(true): no notes and no \"wrote ...\"" },
}

-- What each kind of object can do; a line per method.
local objects = {
  { "net", "a network, or a view of one", {
    "print(net): a table of its layers; net.labels .classes .input .preprocess .multilabel (it ends in a Sigmoid: each class has a"
      .. " probability of its own)",
    "net:prepare(img): the picture as input, 1 x C x H x W; net:unprepare(x) is the reverse",
    "net:predict(img, x or run, k): list of the k most probable classes, {id=, label=, p=, logit=}",
    "net:forward(x, layer): the output, or the activation of a layer; net:logits(x): N x classes before a Softmax or Sigmoid",
    "net:run(x, {keep = {\"conv5\"}}): one pass to ask questions of: run:get, run:backward",
    "net:eval {data = x, shape = s}: every input by name -> table of every output by name; net:inputs() net:outputs(): which there are",
    "net:with {hooks = {layer = function(a) ... end}, grad_hooks =, relu = \"guided\", \"deconv\" or \"redirected\", weights = {layer = \"random\""
      .. " or tensor}}: a view that shares the weights; hooks return a new tensor or nothing",
    "net:layers(): list of {name=, op=, shape=, params=}; net:layer(name): one of them; net:find(pattern): matching names",
    "net:weight(layer) and net:weight(layer, \"bias\"): tensors; net:weights(): all of them by name, as net:save writes them;"
      .. " net:params(): how many numbers they are",
    "net:receptive_field(layer): what its units see of the input: .w .h .stride .offset .whole; of a unit (layer, column, row) or"
      .. " \"layer:channel:row:column\": .box, and .full without borders; {size = {w, h}}: of another input",
    "net:class(label): the id; net:label(id): the label; net:hash(): tells structure and weights from others",
    "net:save(path): .onnx, for ONNX Runtime as well, or the weights as .safetensors; {half = true} rounds them to float16" } },
  { "run", "a pass that was made by net:run", {
    "run:get(layer): its activation",
    "run:backward {target =, to = layer, relu =}: d target / d layer (default: the input)",
    "run:backward {seed = tensor, at = layer}: the same from any gradient at any layer",
    "xai.gradcam(net, run, {target =}), net:predict(run): a run in place of a picture saves the forward pass, for every method;"
      .. " several classes cost one" } },
  { "trainer", "what xai.trainer returns: weights that change", {
    "t:step(x, y, {lr=}): one batch; loss, correct, length of the gradient. y: class ids, or N x classes of probabilities",
    "t:test(x, y): loss, correct of the network as it will be used; t:net(): that network; t.steps t.lr t.params",
    "t:save(path, note) and note = t:load(path): a checkpoint, from which training goes on to the same bits" } },
  { "tensor", "numbers in a row-major array; operations give new tensors, positions count from 1", {
    "t:shape() t:dtype() t:totable() #t t[i]",
    "t:get(i, j, ...) t:set(i, j, ..., value) t:channel(k) t:channels(first, last) t:fill_channel(k, value)",
    "t:sum() t:mean() t:max() t:min() t:norm() t:argmax() t:abs() t:clamp(lo, hi)",
    "t:reshape(...) t:copy() t:free(); + - * / with a tensor of the same shape or a number" } },
  { "image", "a picture, 8-bit RGB", {
    "img.width img.height; img:size()",
    "img:resize(w, h) img:crop(x, y, w, h) img:outline(box, {r, g, b}) img:get(x, y) img:tensor()",
    "img:mask(mask, {colour=, share = 0.8, inside=}): what is not in the mask fades",
    "img:save(path): .png .jpg .bmp; a plain name goes into the folder of -o; img:show()" } },
  { "cell", "one of a sheet: a picture, a result, a tensor, a text, false, or { one of these, caption, fields }, or a plot", {
    "over = img, as = \"heat\", \"over\" or \"picture\", of = \"gradient\", cmap=, scale = {lo, hi}, quantile=, mass=, share=: how a"
      .. " result or tensor is painted; classes = {names}: a tensor of class numbers",
    "boxes = {x=, y=, w=, h=, label=, colour=, dashed=} or a list, points = {x=, y=, colour=}, contour = 0.5 or {map, 0.5}: drawn over it",
    "bar = a result, {cmap=, lo=, hi=, unit=} or false; legend = {{name, colour}, ...}; before = \"+ 0.4 x\"; numbers = true;"
      .. " span = columns; smooth = true or false",
    "{curves = numbers (a list or tensor), or a list of those or of {name=, y=, x=}, caption, xlabel=, ylabel=, xlim=, ylim=, aspect=}",
    "{bars = {{name, value, error=, text=}, ...}, caption, names = of several values}",
    "{scatter = tensor N x 2, caption, classes = {one per point}, images = {one per point}, thumb=, axes = false}",
    "sheet:layout(): the rectangles of everything; sheet:facts(): how it was made, as JSON" } },
  { "look", "what a filter is: one of f:look {size = 32, fit=}, a list that prints as a table; .oriented .blobs .others: the same by"
    .. " kind, the clearest first", {
    "look.kind: \"oriented\", \"colour blob\" or \"other\"; look.index .smooth .oriented .colour (see help \"measures\")",
    "look.spectrum: size x size amplitudes, frequency 0 in the middle",
    "look.gabor: the nearest Gabor function, of filters of 5x5 and more that see colours: .orientation (degrees, counterclockwise, in"
      .. " which the wave runs: 0 for upright stripes) .frequency (cycles per weight) .bandwidth (octaves) .phase (degrees) .x .y"
      .. " .along .across (deviations) .residual (share that it leaves) .values (the filter that it makes)",
    "look:caption(): \"filter 12, at 45°\", and how fine it is" } },
  { "set", "pictures with labels, from xai.images", {
    "#set; set[i]: {image=, label=, class=, path=}; set.classes: names, label 0 first; set.skipped: {index=, path=, why=} of files that"
      .. " could not be read in the last pass",
    "for i, img, label, path in set:each() do ... end: all pictures; label is a class id, or nil",
    "for x, labels, at in set:batches(net, {batch = 32}) do ... end: inputs N x C x H x W, class ids (-1: none) and positions",
    "x, labels = set:batch(first, n, net): what xai.train and xai.score.accuracy take" } },
  { "scene", "a picture and the truth about it, from xai.scenes", {
    "set = xai.scenes {...}; #set; set[i]: scene i; set.classes: the names, label 0 first",
    "scene.image .class .label: of the object that shows the most pixels",
    "scene.objects[k]: {class=, label=, drawing=, box = {x=, y=, w=, h=}, mask = H x W of 0 and 1, visible = share},"
      .. " from back to front",
    "x, labels, shares = set:batch(first, n, net): N x C x H x W as net:prepare makes them, N, N x classes; with"
      .. " {mean = 127.5, scale = 64} in place of the network, or nothing: (byte - mean) / scale",
    "backgrounds: plain, ramp, noise, grating, stripes, plaid, checker, landscape, clutter; without a name any but"
      .. " the last" } },
  { "patch", "a place in a picture that excites a unit, from xai.patches", {
    "found \"conv5:12\": the list of a unit, best first; found:strongest(n): n units of large activation, unlike; found.stopped: by Ctrl-C",
    "p.activation p.index (of the picture) p.name p.row p.column (in the map) p.unit",
    "p.box: what the unit sees, in pixels of the input; p.full: the same if nothing had borders",
    "p.image: the picture cut to p.full, striped where there is none; p.picture: all of it",
    "p:trace \"guided_backprop\", \"deconvnet\" or \"saliency\": what in the patch excited the unit",
    "found:collect(function): of pictures that came from a function, goes through them again for those that have a patch" } },
  { "measures", "scores of one map; the truth is a box, a mask, an object of a scene, or a list of those", {
    "score.pointing(e, truth, {tolerance = 0, region = \"box\" or \"mask\", smooth = 0}): 1 if the map's maximum lies in it, else 0",
    "score.iou(e, truth, {threshold = 0.2; Grad-CAM 0.15}): of the box around the largest region above that share of the maximum",
    "score.localization_error(e, truth, {threshold =, overlap = 0.5, top = 0}): 1 if that IoU is below overlap, or the class not"
      .. " among the top most probable (0: taken as known)",
    "score.mass(e, truth, {region = \"mask\"}): share of the map's positive values in it",
    "score.rank(e, truth, {region = \"mask\"}): share of the K largest values in it; it has K pixels",
    "score.instances(e, objects, {share = 0.5, region = \"mask\"}): share of several objects on which the map has a peak of at least that"
      .. " share of its maximum; share of the peaks on them; the peaks {x=, y=, value=, object=}. For sets: instances, peaks",
    "score.sparseness(e): Gini index of |map|",
    "score.deletion(net, x, e, {step = 0: the width, fill = 0, class =, score = \"prob\" or \"logit\", batch = 0}): {auc=, curve=,"
      .. " shares=}: the score as the most relevant pixels go first",
    "score.insertion(net, x, e, {size = 11, sigma = 5, ...}): the same as they come back to a blurred picture",
    "score.drop(net, x, e, {keep = 1, ...}): share of the probability that is lost when the map weighs the picture;"
      .. " score.increase: 1 if it rises",
    "score.infidelity(net, x, e, {samples = 10, sigma = 0.003, normalise = false, seed =}): does the map foretell what noise of"
      .. " sigma times the input's range does to the score? and the best factor",
    "score.sensitivity(method, net, x, {samples = 10, radius = 0.02, target =, options =}): largest relative change of the map"
      .. " under noise within radius times the input's range",
    "score.randomization(method, net, x, {layers =, target =, options =}): list of {layer=, spearman=, ssim=} as layers become"
      .. " random from the top down",
    "score.accuracy(net, set, {top = 1, all = false, batch = 64}): share of pictures of which the class (all: every class) is"
      .. " among the top most probable; {mean=, se=, n=, by_class=}",
    "score.filters(net:weight \"conv1\"): list of {smooth=, oriented=, colour=, even=, kind=}, .smooth, .oriented and .blobs of them: which"
      .. " filters are edges and blobs, which have a direction, which a colour",
    "score.spearman(a, b) score.ssim(a, b): likeness of two maps; score.metrics(): what a set can be scored with" } },
  { "result", "what a method returns", {
    "e.values: the numbers in the method's own resolution; e.method .target .label .class .p .layer .unit .options .seconds",
    "e:map(): H x W at the input's resolution; help \"measures\": how good is it?",
    "e:heat {cmap =, scale = {lo, hi}, quantile =, mass = 0.98}: the map as a picture; cmap: inferno, viridis, grey, jet, diverging",
    "e:over(img, share): the map over a picture, share 0.5; e:picture {of = \"values\"}: a C x H x W result as colours, grey at zero",
    "e:input(img): what the network was shown of the picture, in the picture's own pixels",
    "e:boxes {threshold = 0.2, on = img}: boxes around what exceeds that share of the maximum, {x=, y=, w=, h=, score=}",
    "e:with {values =, unit =, label =, signed =, reduce =}: the same with other values, to draw or score them; e:counterfactual():"
      .. " of Grad-CAM, what speaks against the target, without another pass",
    "class_image, neuron_image, feature_image, invert: e:picture() shows what was made, e:picture {quantile = 0.99} with more contrast;"
      .. " e.objective, e.scores or e.error: a number per step; e.stopped: by Ctrl-C",
    "e:caption(): \"boxer 37.1 %\"; e:save(path): picture, .npy or .safetensors; e:show()" } },
}

local help = {}

local methods = core.method_table()
local by_name = {}
for _, method in ipairs(methods) do by_name[method.name] = method end

--- The leading comment of the recipe scripts/<name>.lua, or nil.
local function recipe(name)
  local text = core.embedded("scripts/" .. name .. ".lua")
  if not text then return nil end
  local lines = {}
  for line in text:gmatch "[^\n]+" do
    local comment = line:match "^%-%- ?(.*)$"
    if not comment then break end
    lines[#lines + 1] = "  " .. comment
  end
  return table.concat(lines, "\n")
end

--- Options that methods have beside their own.
local common = {
  target = 'class id, label, "layer:channel", a list of those, {plus=, minus=, weight=}, a tensor; default: the best class',
  at = "the layer of a tensor given as target; default the logits",
  unit = 'a unit in place of a target: "layer" or "layer:channel" (the strongest), "layer:channel:row:col"',
  layer = "name of a layer; default the last with height and width",
}

--- Breaks text that stands after 'hang' columns so that lines stay within 96.
local function wrap(text, hang)
  local lines, line = {}, ""
  for word in text:gmatch "%S+" do
    if #line + #word + 1 > 96 - hang then lines[#lines + 1], line = line, word
    else line = line == "" and word or line .. " " .. word end
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n" .. (" "):rep(hang))
end

local function option_line(name, text) return ("  %-16s %s"):format(name, wrap(text, 19)) end

local function own_option(option)
  local choices = option.choices and " (" .. table.concat(option.choices, ", ") .. ")" or ""
  return option_line(option.name, ("%s%s; default %s"):format(option.help, choices, option.default))
end

local function about_method(method)
  local call = method.needs_input and "xai.%s(net, x, options): %s" or "xai.%s(net, x, options), or without x: %s"
  local lines = { call:format(method.name, method.summary), method.paper, "options:" }
  lines[#lines + 1] = option_line("target", common.target)
  lines[#lines + 1] = option_line("at", method.at and common.unit or common.at)
  if method.layer then lines[#lines + 1] = option_line("layer", common.layer) end
  for _, option in ipairs(method.options) do lines[#lines + 1] = own_option(option) end
  local script = recipe(method.name)
  if script then lines[#lines + 1] = "recipe: xairun " .. method.name .. "\n" .. script end
  return table.concat(lines, "\n")
end

local function about_all()
  local lines = { "xai " .. core.version, "", "methods: e = xai.<method>(net, x, options)" }
  for _, method in ipairs(methods) do lines[#lines + 1] = ("  %-20s %s"):format(method.name, method.summary) end
  lines[#lines + 1] = "\nfunctions: xai.<name>"
  for _, f in ipairs(functions) do lines[#lines + 1] = "  " .. wrap(f[2], 6) end
  lines[#lines + 1] = "\nobjects"
  for _, o in ipairs(objects) do lines[#lines + 1] = ("  %-8s %s"):format(o[1], o[2]) end
  lines[#lines + 1] = "\nhelp \"gradcam\", help \"net\", help \"result\" tell more"
  return table.concat(lines, "\n")
end

local function about(list, topic)
  for _, entry in ipairs(list) do
    if entry[1] == topic then return entry end
  end
end

local function about_object(o)
  local lines = { o[1] .. ": " .. o[2] }
  for _, line in ipairs(o[3]) do lines[#lines + 1] = "  " .. wrap(line, 6) end
  return table.concat(lines, "\n")
end

--- Prints what is known of a topic: a method, a function, a kind of object, a recipe; everything when absent.
function help.help(topic)
  if topic == nil then return print(about_all()) end
  if type(topic) ~= "string" then core.fail("help: expected a name, as in xai.help \"gradcam\"") end
  local f, o, script = about(functions, topic), about(objects, topic), recipe(topic)
  local text = by_name[topic] and about_method(by_name[topic]) or f and wrap("xai." .. f[2], 6)
  if f and script then text = ("%s\nrecipe: xairun %s\n%s"):format(text, topic, script) end
  text = text or script
  if o then text = (text and text .. "\n" or "") .. about_object(o) end
  if text then return print(text) end
  local names = {}
  for _, list in ipairs { methods, functions, objects } do
    for _, entry in ipairs(list) do names[#names + 1] = entry.name or entry[1] end
  end
  local near = core.nearest(topic, names)
  core.fail(("help: nothing about '%s'%s"):format(topic, near and ("; did you mean '%s'?"):format(near) or ""))
end

local MethodList = {}
function MethodList:__tostring()
  local lines = {}
  for _, name in ipairs(self) do
    local method = by_name[name]
    lines[#lines + 1] = ("%-20s %s (%s)"):format(name, method.summary, method.paper)
  end
  return table.concat(lines, "\n")
end

--- The names of all methods, or of those that make maps or pictures, in a list that prints with a summary of each.
function help.methods(kind)
  if kind ~= nil and kind ~= "maps" and kind ~= "pictures" then core.fail "methods: expected maps, pictures or nothing" end
  local names = setmetatable({}, MethodList)
  for _, method in ipairs(methods) do
    if not kind or method.makes_picture == (kind == "pictures") then names[#names + 1] = method.name end
  end
  return names
end

return help
