-- The networks inside the program are what docs/models.md says, on fewer scenes: bounds leave room for chance.
local test, done = table.unpack(dofile((arg[0]:gsub("[^/]*$", "")) .. "tap.lua"))
local xai = require "xai"

local function scenes(t, options)
  local good, set = pcall(xai.scenes, options)
  if not good then t.skip(set) end
  return set
end

local function share(set, right)
  local n = 0
  for i = 1, #set do n = n + (right(set[i]) and 1 or 0) end
  return n / #set
end

for name, params in pairs { default = 1375224, ["default-gap"] = 431544 } do
  test(name .. ": its size, its labels, 120 fresh scenes", function(t)
    local net = xai.model(name)
    t.eq(net:params() - (name == "default" and 1 or 0), params) -- dropout's ratio is a number, too
    t.eq(net.labels, xai.scenes.classes())
    local set = scenes(t, { seed = 4242, count = 120 })
    local accuracy = share(set, function(s) return net:predict(s.image, 1)[1].label == s.class end)
    t.ok(accuracy >= 0.95, ("accuracy %.3f"):format(accuracy)) -- 99.2 %: 0.95 is five standard errors below
  end)

  test(name .. ": Grad-CAM points at both of two objects, and at nothing when the weights are random", function(t)
    local net = xai.model(name)
    local set = scenes(t, { seed = 4243, objects = 2, count = 30 })
    local function pointing(n) return xai.score("gradcam", n, set, { metrics = { "pointing" } })[1].mean end
    local trained = pointing(net)
    t.ok(trained >= 0.85, ("trained %.3f"):format(trained))
    local weights = {}
    for _, layer in ipairs(net:layers()) do
      if layer.params > 1 then weights[layer.name] = "random" end
    end
    local random = pointing(net:with { weights = weights })
    t.ok(random <= 0.45, ("random %.3f"):format(random)) -- boxes cover a fifth of the picture, mostly of its middle
  end)
end

test("pictures inside of the program are found from anywhere, and a file comes first", function(t)
  local img = xai.image "examples/images/cat_dog.png"
  t.eq({ img.width, img.height }, { 224, 224 })
  local found = {}
  for k, guess in ipairs(xai.model("default"):predict(img, 2)) do found[k] = guess.label end
  table.sort(found)
  t.eq(found, { "cat", "dog" })
  t.fails(function() xai.image "examples/images/cat_cog.png" end, "no such file")
  t.fails(function() xai.model "defualt" end, "did you mean 'default'?")
end)

done()
