-- Error messages: one line, the script's position first, then the name that was called.
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local tiny = dofile(here .. "tiny.lua")
local xai = require "xai"

--- The message of fn, without the name of this file and with # for the line number.
local function message(fn)
  local good, text = pcall(fn)
  assert(not good)
  return (tostring(text):gsub("^.*test_errors%.lua:%d+: ", "here: "))
end

test("the position is the script's line, not one inside the library", function(t)
  local net, x = tiny.load(), tiny.x()
  local e = xai.saliency(net, x, { target = 0 })
  for _, fn in ipairs {
    function() xai.gradcam(net, x, { layer = "nothing at all" }) end,
    function() xai.load "nothing.onnx" end,
    function() xai.image "nothing.png" end,
    function() net:forward(x, "nothing at all") end,
    function() e:heat { cmap = "nothing" } end,
    function() xai.sheet {} end,
    function() xai.args { 1 } end,
    function() return x + xai.zeros(3) end,
    function() return xai.nothing end,
  } do
    local text = message(fn)
    t.eq(text:sub(1, 6), "here: ", text)
    t.ok(not text:find "\n", "one line: " .. text)
  end
end)

test("messages are the ones that are promised", function(t)
  local net, x = tiny.load(), tiny.x()
  t.eq(message(function() xai.gradcam(net, x, { layer = "rely1" }) end), "here: gradcam: no layer 'rely1'; did you mean 'relu1'?")
  t.eq(message(function() xai.gradcam(net, x, { taget = 1 }) end),
    "here: gradcam: unknown option 'taget' (options: target, at, layer, relu, counterfactual, guided); did you mean 'target'?")
  t.eq(message(function() xai.gradcam(3, x) end), "here: gradcam: net: expected a net, got 3")
  t.eq(message(function() xai.gradcam(net) end), "here: gradcam: x: expected a tensor or an image, got nil")
  t.eq(message(function() xai.gradcm(net) end), "here: xai: there is no xai.gradcm; did you mean 'xai.gradcam'?")
  t.eq(message(function() net:forward(xai.zeros(1, 1, 4)) end):sub(1, 24), "here: net:forward: input")
end)

test("wrong inputs: shape, type, picture of the wrong kind", function(t)
  local net = tiny.load()
  t.fails(function() net:logits(xai.zeros(1, 2, 4, 4)) end, "net:logits: ")
  t.fails(function() net:logits(xai.zeros(1, 1, 4, 4, "int64")) end, "expected float32")
  t.fails(function() xai.saliency(net, xai.zeros(2, 1, 4, 4)) end, "saliency: expected one prepared picture")
  t.fails(function() net:predict(xai.zeros(4)) end, "net:predict: ")
  t.fails(function() net:unprepare(xai.zeros(4)) end, "net:unprepare: ")
  t.fails(function() net:prepare(xai.zeros(4)) end, "net:prepare: image: expected an image, got a tensor 4")
  t.fails(function() net:predict(tiny.x(), 0) end, "net:predict: k: expected an integer from 1")
end)

test("damaged model files: one line, nothing left", function(t)
  local whole = tiny.bytes()
  for _, size in ipairs { 0, 1, 10, #whole // 2, #whole - 1 } do
    tiny.with_file(whole:sub(1, size), function(path) t.fails(function() xai.load(path) end, "load: ") end)
  end
  t.fails(function() xai.load "." end, "load: .")
  t.fails(function() xai.load(nil) end, "load: path: expected a string, got nil")
end)

test("every byte of a model file may be wrong: an error or a network, never a crash", function(t)
  local whole = tiny.bytes()
  for at = 1, #whole, 3 do
    local broken = whole:sub(1, at - 1) .. string.char(whole:byte(at) ~ 0xff) .. whole:sub(at + 1)
    tiny.with_file(broken, function(path)
      local good, net = pcall(xai.load, path, { preprocess = "none" })
      if good then pcall(net.logits, net, tiny.x()) end
    end)
  end
  t.ok(true)
end)

--- Deterministic choices: a linear congruence, so that a failure can be repeated.
local function chooser(seed)
  return function(list)
    seed = (seed * 6364136223846793005 + 1442695040888963407)
    return list[(seed >> 33) % #list + 1]
  end
end

test("no native function crashes, whatever it is given", function(t)
  local core = require "xai.core"
  local net, x, img = tiny.load(), tiny.x(), xai.image(xai.zeros(4, 4, 3, "uint8"))
  local freed = xai.zeros(1)
  freed:free()
  local _, set = pcall(xai.scenes, { size = 16, classes = { "fox" }, count = 9 }) -- a message where there is no font
  local values = { net, x, img, freed, set, net:run(x), net:with { relu = "guided" }, xai.zeros(0), xai.zeros(4, 4), xai.zeros(2, "int64"),
    {}, { 1, 2 }, { { 1 } }, { target = 0 }, { x = 1, y = 1, w = 2, h = 2 }, { keep = { "gap" } }, { "data", x }, { { "data", x } },
    { relu = "deconv", hooks = {} }, { order = "bgr" }, { image = img }, { { image = img } }, print, io.stdout, coroutine.create(print),
    "", "gap", "input", "logits", "inferno", "rgb", "float32", "/", "max_abs", 0, 1, 2, 3, -1, 0.5, 1e300, -1 / 0, 0 / 0, 1 << 62,
    math.mininteger, true, false }
  local functions = {}
  local apart = { fail_after = true, on_note = true, on_progress = true, make_dir = true, threads = true, seed = true, quiet = true, free = true,
    save = true, show = true } -- these change the process or write files
  for _, group in ipairs { core, core.methods, core.score, core.types.tensor, core.types.image, core.types.net, core.types.run, core.types.scenes } do
    for name, fn in pairs(group) do
      if type(fn) == "function" and not apart[name] then functions[#functions + 1] = { name, fn } end
    end
  end
  table.sort(functions, function(a, b) return a[1] < b[1] end)
  local choose, subjects = chooser(1), { net, x, img, set, net:run(x) }
  for _ = 1, 20000 do
    local arguments = { choose(choose { subjects, values }) }
    for i = 2, choose { 1, 2, 3, 4, 6 } do arguments[i] = choose(values) end
    local good, message = pcall(choose(functions)[2], table.unpack(arguments))
    t.ok(good or type(message) == "string")
  end
end)

test("a freed net is refused everywhere", function(t)
  local net, x = tiny.load(), tiny.x()
  local run = net:run(x)
  net:free()
  t.fails(function() net:logits(x) end, "net:logits: net: this net was freed")
  t.fails(function() xai.saliency(net, x) end, "saliency: net: this net was freed")
  t.fails(function() return net.classes end, "this net was freed")
  t.fails(function() run:get "conv1" end, "this net was freed")
  t.eq(tostring(net), "net (freed)")
end)

test("metatables are out of reach, and finalizers do no harm when called by hand", function(t)
  local net, x = tiny.load(), tiny.x()
  for _, object in ipairs { net, x, net:run(x), net:unprepare(x) } do
    t.eq(getmetatable(object), false)
    local raw = debug.getmetatable(object)
    raw.__gc(object)
    raw.__gc(object)
    raw.__gc(io.stdout)
    raw.__gc()
  end
  t.fails(function() net:logits(x) end, "was freed")
end)

done()
