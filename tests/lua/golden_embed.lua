-- Handwritten digits: principal components and maps beside those of scikit-learn.
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local golden = dofile(here .. "golden.lua")
local xai = require "xai"

local function digits() return xai.read(golden.path "golden/embed/digits.safetensors") end

test("pca: variances and components to 1e-4", function(t)
  local want = digits()
  local got = xai.pca(want.X, { dims = 50 })
  for k, variance in ipairs(want.pca50_explained_variance:totable()) do
    t.near(got.variance[k] / variance, 1, 1e-4, "variance " .. k)
  end
  t.ok(golden.error(got.mean, want.pca50_mean) < 1e-6, "mean")
  t.ok(golden.error(got.components:abs(), want.pca50_components_abs) < 1e-4, "components: "
    .. golden.error(got.components:abs(), want.pca50_components_abs))
end)

--- Share of neighbours in the map that are neighbours of the points, by how far off the others are (Venna, Kaski 2001):
--- 1 - 2 / (n k (2n - 3k - 1)) times the sum of rank - k over the k neighbours in the map whose rank among the points is above k.
local function trustworthiness(x, y, k)
  local n = x:shape()[1]
  local order, near = xai.neighbours(x, { k = n - 1 }).values:totable(), xai.neighbours(y, { k = k }).values:totable()
  local sum = 0
  for i = 1, n do
    local rank = {}
    for r, j in ipairs(order[i]) do rank[j] = r end
    for _, j in ipairs(near[i]) do sum = sum + math.max(0, rank[j] - k) end
  end
  return 1 - 2 * sum / (n * k * (2 * n - 3 * k - 1))
end

test("tsne: KL and trustworthiness of all digits, for three seeds", function(t)
  local want, meta = digits()
  local mean, runs = 0, 0
  for kl in meta.sklearn_tsne_perplexity30_pca_init_1000_iterations_kl_trust12_knn10_seconds:gmatch "%[([%d.]+)," do
    mean, runs = (mean * runs + kl) / (runs + 1), runs + 1
  end
  for seed = 1, 3 do
    local map = xai.tsne(want.X, { seed = seed, method = seed == 3 and "exact" or "barnes-hut", init = seed == 1 and "pca" or "random" })
    local trust = trustworthiness(want.X, map.values, 12)
    t.ok(map.kl <= 1.02 * mean, ("seed %d: KL %.4f, scikit-learn %.4f"):format(seed, map.kl, mean))
    t.ok(trust >= 0.99, ("seed %d: trustworthiness %.4f"):format(seed, trust))
    map:free()
  end
end)

test("tsne: the exact KL of the first 500 digits within 2 %", function(t)
  local want, meta = digits()
  local rows = want.X:totable()
  local map = xai.tsne(xai.tensor(table.move(rows, 1, 500, 1, {})), { method = "exact", pca = false })
  t.near(map.kl / tonumber(meta.sklearn_exact_tsne_first_500_rows_kl), 1, 0.02)
  map:free()
end)

done()
