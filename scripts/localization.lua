-- localization: do CAM, Grad-CAM and Grad-CAM++ find the thing, and several of them?
--
--   pointing            the map's maximum lies in the box of the object that was asked for      scenes of two objects
--   IoU, error          of the box around the largest region above 20 % of the maximum (Grad-CAM: 15 %); error: IoU < 1/2
--   found of three      objects on which the map has a peak of at least half of its maximum     scenes of three of one class
--   peaks on them       share of such peaks that lie on an object: noise has peaks everywhere, and so finds everything
--
-- Zhou et al. 2016; Selvaraju et al. 2017; Chattopadhay et al. 2018, sections 4.2 and 5. "random" is a map of random numbers. Last
-- comes whether Grad-CAM++ finds more than Grad-CAM: the mean of the differences scene by scene. The tables of
-- docs/localization.md are what this prints.
local xai = require "xai"
local summary = require "xai.score.shared".summary
local args = xai.args { "CAM, Grad-CAM and Grad-CAM++: how well do they find things, and three of a kind?",
  models = { "default,default-gap", "networks with commas between them: files, architectures, or those that ship" },
  count = { 200, "scenes of two objects" },
  each = { 10, "scenes of three objects of one class, for every class" },
  share = { 0.5, "of its maximum, that a peak has to reach" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

--- Scenes of three objects of one class, for all classes.
local function three_of_a_kind(size)
  local list = {}
  for i, class in ipairs(xai.scenes.classes()) do
    local set = xai.scenes { seed = xai.seed() + i, size = size, classes = { class }, objects = 3, count = args.each }
    for k = 1, #set do list[#list + 1] = set[k] end
  end
  return list
end

--- How many of three were found, scene by scene, in the order of the classes' names.
local function numbers(result)
  local list = {}
  for _, class in ipairs(result.classes) do
    for _, share in ipairs(result.values[class][1]) do list[#list + 1] = 3 * share end
  end
  return list
end

local function text(s) return ("%.2f ± %.2f"):format(s.mean, s.se or 0) end
local function percent(s) return ("%.1f %%"):format(100 * s.mean) end

print "| network | map | pointing | IoU | localization error | found of three | peaks on them |"
print "| --- | --- | --- | --- | --- | --- | --- |"
local lines = {}
for name in args.models:gmatch "[^,%s]+" do
  local net, found = xai.model(name, { preprocess = args.preprocess, labels = args.labels }), {}
  local size = { net.input[4], net.input[3] }
  local twos, threes = xai.scenes { seed = xai.seed(), size = size, objects = 2, count = args.count }, three_of_a_kind(size)
  for _, method in ipairs { "random", "cam", "gradcam", "gradcampp" } do
    local good, s = pcall(xai.score, method, net, twos, { metrics = { "pointing", "iou", "localization_error" } })
    if good then
      local o = { share = args.share }
      local r = xai.score(method, net, threes, { metrics = { "instances", "peaks" }, instances = o, peaks = o })
      found[method] = numbers(r)
      print(("| %s | %s | %s | %s | %s | %s | %s |"):format(name, method, percent(s.pointing), text(s.iou), percent(s.localization_error),
        text(summary(found[method])), percent(r.peaks)))
    elseif method ~= "cam" then error(s, 0) end -- not every network has one
  end
  local more = {}
  for i, n in ipairs(found.gradcampp) do more[i] = n - found.gradcam[i] end
  lines[#lines + 1] = ("%s (%s): of three Grad-CAM++ finds %s more than Grad-CAM, in %d scenes."):format(name, net:hash(), text(summary(more)), #more)
end
print("\n" .. table.concat(lines, "\n"))
