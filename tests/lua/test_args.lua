-- xai.args: types, defaults, positions, help, slips.
local test, done = table.unpack(dofile((arg[0]:gsub("[^/]*$", "")) .. "tap.lua"))
local xai = require "xai"

local function spec()
  return { "What the script does.", "image", "class",
    image = { "cat.png", "the picture" }, class = { nil, "class id or label" }, steps = { 50, "how many" },
    sigma = { 0.5, "noise" }, fast = { false, "hurry" }, draw = { true, "make a picture" } }
end
local function parse(...) return xai.args(spec(), { ... }) end

test("defaults hold when nothing is given", function(t)
  t.eq(parse(), { image = "cat.png", steps = 50, sigma = 0.5, fast = false, draw = true })
end)

test("values by name, with a space or with =", function(t)
  local a = parse("--image", "dog.png", "--steps=3", "--sigma", "1")
  t.eq(a.image, "dog.png")
  t.eq(a.steps, 3)
  t.eq(a.sigma, 1.0)
  t.eq(math.type(a.sigma), "float")
end)

test("flags: --name, --no-name, --name=false", function(t)
  t.eq(parse("--fast").fast, true)
  t.eq(parse("--no-draw").draw, false)
  t.eq(parse("--draw=false").draw, false)
  t.fails(function() parse "--draw=maybe" end, "args: --draw: expected true or false, got 'maybe'")
end)

test("arguments without a name fill the listed ones in order", function(t)
  local a = parse("dog.png", "--steps", "2", "tiger cat")
  t.eq(a.image, "dog.png")
  t.eq(a.class, "tiger cat")
  t.fails(function() parse("a", "b", "c") end, "args: unexpected argument 'c'")
end)

test("a nil default takes a number or a string", function(t)
  t.eq(parse("--class", "243").class, 243)
  t.eq(math.type(parse("--class", "243").class), "integer")
  t.eq(parse("--class", "boxer").class, "boxer")
end)

test("a string stays a string, whatever it looks like; an empty value is a value", function(t)
  t.eq(parse("--image", "7").image, "7")
  t.eq(parse("--image=").image, "")
  t.eq(parse("--image=a=b").image, "a=b")
  t.eq(parse("--image", "--steps").image, "--steps")
end)

test("slips are told with the nearest name", function(t)
  t.fails(function() parse("--stesp", "3") end, "args: unknown argument '--stesp'")
  t.fails(function() parse("--stesp", "3") end, "did you mean '--steps'?")
  t.fails(function() parse("--steps", "many") end, "args: --steps: expected a whole number, got 'many'")
  t.fails(function() parse("--steps", "1.5") end, "expected a whole number, got '1.5'")
  t.fails(function() parse("--sigma", "x") end, "expected a number, got 'x'")
  t.fails(function() parse "--steps" end, "args: --steps: a value is missing")
  t.fails(function() parse "--no-steps" end, "unknown argument '--no-steps'")
end)

test("a declaration that makes no sense is told", function(t)
  t.fails(function() xai.args(3) end, "args: expected a table, got a number")
  t.fails(function() xai.args({ image = "cat.png" }, {}) end, "args: image: expected { default, help }, got a string")
  t.fails(function() xai.args({ "text", "imgae", image = { "cat.png" } }, {}) end, "args: 'imgae' is not declared")
end)

done()
