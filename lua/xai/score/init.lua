-- xai.score: how good is an explanation? Measures of one map, each callable by itself, and
--
--   local r = xai.score("gradcam", net, xai.scenes { count = 100, objects = 2 }, { metrics = { "pointing", "deletion" } })
--   print(r)                                     -- a table: mean, standard error, number of objects; by class
--   print(r.pointing.mean, r.pointing.se, r.pointing.by_class.dog.mean)
--
-- over a set of pictures whose objects are known. Loops over pixels are in src/score; what the numbers mean is said in the
-- files beside this one.
--
-- A map is an explanation, or a tensor H x W. Where the truth is asked for, it is a box {x=, y=, w=, h=}, a mask (uint8
-- tensor H x W), an object { box =, mask = } of a scene, or a list of those, which counts as one region; in pixels of the
-- explanation's input, or of a picture of truth.height x truth.width. Scores are of the class that was explained, or of
-- options.class. Ties in a map are broken by position: the first pixel in reading order wins.
local method, set = require "xai.score.method", require "xai.score.set"

local score = { metrics = set.metrics, lower_is_better = set.lower_is_better, aligned = set.aligned,
  sensitivity = method.sensitivity, randomization = method.randomization }
for _, part in ipairs { "place", "network", "learnt" } do
  for name, measure in pairs(require("xai.score." .. part)) do score[name] = measure end
end

return setmetatable(score, { __call = function(_, ...) return set.score(...) end })
