-- Option tables: names, kinds, ranges; help that follows from the method table.
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local tiny = dofile(here .. "tiny.lua")
local xai = require "xai"
local core = require "xai.core"

test("an unknown option is refused by every method, with the nearest name", function(t)
  local net, x = tiny.load(), tiny.x()
  for _, name in ipairs(xai.methods()) do
    t.fails(function() xai[name](net, x, { taget = 1 }) end, name .. ": unknown option 'taget' (options: target, at")
    t.fails(function() xai[name](net, x, { taget = 1 }) end, "did you mean 'target'?")
    t.fails(function() xai[name](net, x, 3) end, name .. ": options: expected a table, got 3")
    t.fails(function() xai[name](net, x, { 3 }) end, name .. ": options: expected names, got 1")
  end
end)

test("every option of every method is used, shown in the result, and checked for its kind", function(t)
  local net, x = tiny.load(), tiny.x()
  for _, method in ipairs(core.method_table()) do
    for _, option in ipairs(method.options) do
      local wrong = option.kind == "boolean" and 1 or {}
      t.fails(function() xai[method.name](net, x, { [option.name] = wrong }) end, method.name .. ": " .. option.name .. ": expected ")
    end
  end
  local e = xai.occlusion(net, x, { window = 2, stride = 1, fill = 0.5, score = "prob", batch = 2 })
  t.eq(e.options, { window = 2, stride = 1, fill = 0.5, score = "prob", batch = 2 })
end)

test("integers are integers, within their range", function(t)
  local net, x = tiny.load(), tiny.x()
  t.fails(function() xai.occlusion(net, x, { window = 2.5 }) end, "occlusion: window: expected an integer from 0 to 16384, got 2.5")
  t.fails(function() xai.occlusion(net, x, { window = -1 }) end, "got -1")
  t.fails(function() xai.occlusion(net, x, { window = "2" }) end, "got '2'")
  t.eq(xai.occlusion(net, x, { window = 2.0, stride = 1 }).options.window, 2)
  t.fails(function() xai.occlusion(net, x, { fill = 0 / 0 }) end, "occlusion: fill: expected a number from")
  t.fails(function() xai.occlusion(net, x, { score = "probability" }) end, "score: expected one of logit, prob, got 'probability'")
  t.fails(function() xai.gradcam(net, x, { relu = 1, layer = "relu1" }) end, "gradcam: relu: expected true or false, got 1")
end)

test("targets that do not exist are refused", function(t)
  local net, x = tiny.load { preprocess = "none", labels = { "cat", "dog", "tree" } }, tiny.x()
  t.fails(function() xai.saliency(net, x, { target = 3 }) end, "saliency: no class 3")
  t.fails(function() xai.saliency(net, x, { target = -1 }) end, "saliency: target: expected an integer from 0")
  t.fails(function() xai.saliency(net, x, { target = 0.5 }) end, "got 0.5")
  t.fails(function() xai.saliency(net, x, { target = "dgo" }) end, "did you mean 'dog'?")
  t.fails(function() xai.saliency(net, x, { target = {} }) end, "saliency: target: an empty table")
  t.fails(function() xai.saliency(net, x, { target = { pluss = 1 } }) end, "did you mean 'plus'?")
  t.fails(function() xai.saliency(net, x, { target = true }) end, "saliency: target: expected a class id, a label")
  t.fails(function() xai.saliency(net, x, { target = "pool1:3" }) end, "saliency: ")
  t.fails(function() xai.saliency(net, x, { target = "pool1:1:9:9" }) end, "saliency: ")
  t.fails(function() xai.saliency(net, x, { target = xai.zeros(1, 4) }) end, "seed does not fit")
  t.fails(function() xai.saliency(net, x, { target = 1, at = "pool1" }) end, "saliency: at: goes with a tensor as target")
  t.fails(function() xai.guided_backprop(net, x, { at = "pool9" }) end, "did you mean 'pool1'?")
  t.fails(function() xai.saliency(net, x, { target = { { { { { { 1 } } } } } } }) end, "lists nested too deep")
  local many = {}
  for i = 1, 65 do many[i] = 0 end
  t.fails(function() xai.saliency(net, x, { target = many }) end, "more than 64 terms")
end)

test("layers that do not exist or have no extent are refused", function(t)
  local net, x = tiny.load(), tiny.x()
  t.fails(function() xai.gradcam(net, x, { layer = "relu2" }) end, "gradcam: no layer 'relu2'; did you mean 'relu1'?")
  t.fails(function() xai.gradcam(net, x, { layer = "fc" }) end, "gradcam: layer 'fc' has no height or width")
  t.fails(function() xai.saliency(net, x, { layer = "relu1" }) end, "saliency: unknown option 'layer'")
end)

test("functions of the Lua layer refuse unknown options too", function(t)
  local net, x = tiny.load(), tiny.x()
  local e = xai.saliency(net, x, { target = 0 })
  t.fails(function() xai.load("x", { labls = 1 }) end, "load: unknown option 'labls' (options: preprocess, labels, weights, mean); did you mean 'labels'?")
  t.fails(function() e:heat { camp = "grey" } end, "heat: unknown option 'camp'")
  t.fails(function() e:heat { cmap = "gray" } end, "heat: ")
  t.fails(function() e:heat { scale = { 1, 1 } } end, "heat: scale: expected lo < hi")
  t.fails(function() e:heat { scale = 3 } end, "heat: scale: expected a table, got a number")
  t.fails(function() e:heat { quantile = 2 } end, "quantile: expected a number from 0 to 1, got 2")
  t.fails(function() e:boxes { treshold = 0.1 } end, "boxes: unknown option 'treshold'")
  t.fails(function() e:over(3) end, "over: picture: expected an image, got a number")
  t.fails(function() e:over(nil, 7) end, "over: share: expected a number from 0 to 1, got 7")
  t.fails(function() net:run(x, { keeps = {} }) end, "net:run: unknown option 'keeps' (options: keep); did you mean 'keep'?")
  t.fails(function() net:run(x):backward { tagret = 1 } end, "run:backward: unknown option 'tagret'")
  t.fails(function() tiny.load { preprocess = { meen = 1 } } end, "load: unknown option 'meen'")
  t.fails(function() tiny.load { preprocess = "imagnet" } end, "did you mean 'imagenet'?")
end)

test("methods() lists and prints them, help tells of each", function(t)
  local methods, text = xai.methods(), {}
  t.eq(#methods, #core.method_table())
  for _, name in ipairs(methods) do t.ok(tostring(methods):find(name, 1, true)) end
  -- help prints; what it prints is caught by a print of our own in a fresh copy of the module
  local source = core.embedded "lua/xai/help.lua"
  local help = assert(load(source, "=xai.help", "t", setmetatable({ print = function(s) text[#text + 1] = s end }, { __index = _G })))()
  help.help()
  for _, name in ipairs(methods) do
    t.ok(text[1]:find(name, 1, true), name)
    help.help(name)
    t.ok(text[#text]:find("xai." .. name .. "(net, x, options)", 1, true), text[#text])
  end
  help.help "sheet"
  t.ok(text[#text]:find("xai.sheet {", 1, true))
  help.help "filters" -- a function that has a recipe as well
  t.ok(text[#text]:find("xai.filters(net, {layer=})", 1, true) and text[#text]:find("recipe: xairun filters\n  filters: what do", 1, true))
  t.fails(function() help.help "gradcan" end, "help: nothing about 'gradcan'; did you mean 'gradcam'?")
  t.fails(function() help.help(3) end, "help: expected a name")
end)

done()
