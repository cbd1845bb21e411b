-- Points of many dimensions: components, neighbours, maps and grids as scripts see them.
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local xai = require "xai"
xai.quiet(true)

-- (3, 1) + a (3, 4) / 5 + b (-4, 3) / 5 with (a, b) = (5, 0), (-5, 0), (0, 1), (0, -1)
local CROSS = { { 6, 5 }, { 0, -3 }, { 2.2, 1.6 }, { 3.8, 0.4 } }

test("pca: the axes of a cross, its variances, and a new point", function(t)
  local p = xai.pca(xai.tensor(CROSS))
  t.near(p.components, { { 0.6, 0.8 }, { 0.8, -0.6 } })
  t.near(p.variance, { 50 / 3, 2 / 3 }, 1e-5)
  t.near(p.ratio, { 50 / 52, 2 / 52 })
  t.near(p.mean, { 3, 1 })
  t.near(p.values, { { 5, 0 }, { -5, 0 }, { 0, -1 }, { 0, 1 } }, 1e-5)
  t.near(p:project(xai.tensor { { 3.6, 1.8 } }), { { 1, 0 } }, 1e-5)
  t.eq(p.solver, "exact")
  t.eq(p.options.dims, 2)
end)

test("pca: what is wrong is told", function(t)
  local x = xai.tensor(CROSS)
  t.fails(function() xai.pca(x, { dims = 3 }) end, "pca: dims: expected 1 to 2 for 4 points of 2 numbers, got 3")
  t.fails(function() xai.pca(x, { dim = 1 }) end, "pca: unknown option 'dim' (options: dims, seed, solver); did you mean 'dims'?")
  t.fails(function() xai.pca(x, { solver = "exakt" }) end, "did you mean 'exact'?")
  t.fails(function() xai.pca(CROSS) end, "pca: x: expected points, a tensor N x D; got table")
  t.fails(function() xai.pca(x):project(xai.zeros(1, 3)) end, "expected points of 2 numbers")
end)

-- on a line: 0, 1, 3, 6, 6
local LINE = { { 0 }, { 1 }, { 3 }, { 6 }, { 6 } }

test("neighbours: positions count from 1, without the point itself, ties by position", function(t)
  local n = xai.neighbours(xai.tensor(LINE), { k = 2 })
  t.eq(n.values:totable(), { { 2, 3 }, { 1, 3 }, { 2, 1 }, { 5, 3 }, { 4, 3 } })
  t.near(n.distances, { { 1, 3 }, { 1, 2 }, { 2, 3 }, { 0, 3 }, { 0, 3 } })
end)

test("neighbours: of some positions, and of points that are not in the set", function(t)
  local x = xai.tensor(LINE)
  t.eq(xai.neighbours(x, { k = 2, query = 3 }).values:totable(), { { 2, 1 } })
  t.eq(xai.neighbours(x, { k = 1, query = { 5, 1 } }).values:totable(), { { 4 }, { 2 } })
  t.eq(xai.neighbours(x, { k = 3, query = xai.tensor { { 3 }, { 9 } } }).values:totable(), { { 3, 2, 1 }, { 4, 5, 3 } })
end)

test("neighbours: cosine asks for the direction, and what has none is at distance 1", function(t)
  local x = xai.tensor { { 1, 0 }, { 5, 5 }, { 0, 0 }, { -2, 0 }, { 9, 0 } }
  local n = xai.neighbours(x, { k = 4, metric = "cosine", query = 1 })
  t.eq(n.values:totable(), { { 5, 2, 3, 4 } })
  t.near(n.distances, { { 0, 1 - math.sqrt(0.5), 1, 2 } })
end)

test("neighbours: what is wrong is told", function(t)
  local x = xai.tensor(LINE)
  t.fails(function() xai.neighbours(x, { k = 5 }) end, "neighbours: k: expected 1 to 4 for 5 points, got 5")
  t.fails(function() xai.neighbours(x, { metric = "cosinus" }) end, "did you mean 'cosine'?")
  t.fails(function() xai.neighbours(x, { k = 1, query = 6 }) end, "query")
  t.fails(function() xai.neighbours(x, { k = 1, query = xai.zeros(2, 2) }) end, "expected points of 1 numbers")
end)

--- n points around each of the corners of a triangle
local function clusters(n)
  local x = xai.randn(3 * n, 3)
  for i = 1, 3 * n do x = x:set(i, (i - 1) % 3 + 1, x:get(i, (i - 1) % 3 + 1) + 20) end
  return x
end

test("tsne: a map of three clusters, told step by step; new points join theirs", function(t)
  local x, steps = clusters(20), {}
  for _, method in ipairs { "exact", "barnes-hut" } do
    local map = xai.tsne(x, { perplexity = 8, method = method, every = 250,
      on_step = function(step, kl, values) steps[#steps + 1] = step t.ok(kl > 0) t.eq(values:shape()[1], 60) end })
    t.eq(map.method, method)
    t.eq(map.iterations, 1000)
    t.ok(not map.stopped)
    for i, near in ipairs(xai.neighbours(map.values, { k = 5 }).values:totable()) do
      for _, j in ipairs(near) do t.eq(j % 3, i % 3, "cluster") end
    end
    local placed = map:place(xai.tensor { { 20, 0, 0 }, { 0, 20, 0 } })
    local near = xai.neighbours(map.values, { k = 3, query = placed }).values:totable()
    for r = 1, 2 do
      for _, j in ipairs(near[r]) do t.eq(j % 3, r % 3) end
    end
    map:free()
  end
  t.eq(steps, { 250, 500, 750, 1000, 250, 500, 750, 1000 })
end)

test("tsne: the same seed gives the same map, and init is where it begins", function(t)
  local x = clusters(10)
  local o = { perplexity = 5, iterations = 60, init = "random", seed = 4 }
  local a, b = xai.tsne(x, o), xai.tsne(x, o)
  t.eq(a.values:totable(), b.values:totable())
  local start = xai.randn(30, 2)
  local still = xai.tsne(x, { perplexity = 5, iterations = 0, init = start })
  t.near((still.values - start):get(1, 1), (still.values - start):get(30, 1), 1e-6) -- but for the mean
end)

test("tsne: what is wrong is told", function(t)
  local x = clusters(10)
  t.fails(function() xai.tsne(x) end, "tsne: perplexity: expected 1 to 9.667, a third of the other points, for 30 points; got 30")
  t.fails(function() xai.tsne(x, { perplexity = 5, dims = 3 }) end, "tsne: dims: a map has 2 dimensions, got 3")
  t.fails(function() xai.tsne(x, { perplexty = 5 }) end, "did you mean 'perplexity'?")
  t.fails(function() xai.tsne(x, { perplexity = 5, init = xai.zeros(3, 2) }) end, "a place for each of 30 points")
  t.fails(function() xai.tsne(x, { perplexity = 5, rate = 1e30 }) end, "a smaller rate than 1e+30 is needed")
  t.fails(function() xai.tsne(x, { perplexity = 5, every = 25, on_step = function() error "mine" end }) end, "mine")
end)

test("grid: points go to cells near by, one to each; the highest come first", function(t)
  local g = xai.grid(xai.tensor { { 0, 0 }, { 1, 0 }, { 0, 1 }, { 1, 1 } })
  t.eq(g.values:totable(), { 3, 4, 1, 2 })
  t.eq(g.cells, { { 3, 4 }, { 1, 2 } })
  local wide = xai.grid(xai.tensor { { 0, 0 }, { 1, 0 }, { 2, 0 } }, { rows = 1, cols = 4 })
  t.eq(wide.cells[1][1], 1)
  t.eq(wide.cells[1][4], 3)
  t.fails(function() xai.grid(xai.zeros(5, 2), { rows = 2, cols = 2 }) end, "grid: 2 x 2 cells do not hold 5 points")
  t.fails(function() xai.grid(xai.zeros(5, 2), { rows = 0 }) end, "grid: rows: expected a whole number above 0, got 0")
end)

done()
