-- tests/tools/check_coverage.lua: nothing without a test. For every method of src/explain/methods.def its C file,
-- its recipe and a Lua test; for every other C file of src/ a C test of the same name, or a line in ELSEWHERE.
-- usage: xairun tests/tools/check_coverage.lua [SOURCE_ROOT]
local root = arg[1] or os.getenv "XAI_SOURCE" or "."

-- Test -> the source files that it covers besides the one it is named after.
local ELSEWHERE = {
  ["tests/sh/test_cli.sh"] = "app/main app/recipe app/report", -- a whole program: judged by what it prints and returns
  ["tests/c/explain/test_methods.c"] = "explain/method explain/probe explain/backprop explain/channels explain/samples "
    .. "explain/baseline explain/lrp_rule explain/walk",
  ["tests/c/formats/test_onnx.c"] = "formats/onnx_load formats/onnx_model formats/onnx_attr",
  ["tests/c/formats/test_onnx_tensor.c"] = "formats/stored",
  ["tests/c/formats/test_caffe_load.c"] = "formats/caffe_layers formats/caffe_model formats/span_map",
  ["tests/c/formats/test_onnx_write.c"] = "formats/net_meta formats/proto_put formats/save",
  ["tests/c/formats/test_safetensors.c"] = "formats/json",
  ["tests/c/formats/test_image_jpeg.c"] = "formats/image_stb",
  ["tests/c/graph/test_ops.c"] = "graph/op graph/op_check graph/ops_axis graph/ops_binary graph/ops_blocked graph/ops_blocked_training graph/ops_conv graph/ops_einsum "
    .. "graph/ops_index graph/ops_layout graph/ops_logic graph/ops_make graph/ops_matrix graph/ops_moments graph/ops_move "
    .. "graph/ops_norm graph/ops_point graph/ops_pool graph/ops_reduce graph/ops_resize graph/ops_sample graph/ops_select "
    .. "graph/ops_shape graph/ops_unary kernels/det kernels/pad",
  ["tests/c/graph/test_run.c"] = "graph/net graph/predict",
  ["tests/c/graph/test_plan.c"] = "graph/arena graph/share",
  ["tests/c/graph/test_lower.c"] = "graph/packs",
  ["tests/c/graph/test_build.c"] = "graph/infer",
  ["tests/c/graph/test_local.c"] = "graph/local_form graph/ops_patch",
  ["tests/c/embed/test_tsne.c"] = "kernels/isa/tsne",
  ["tests/lua/test_net.lua"] = "formats/load",
  ["tests/c/viz/test_sheet_layout.c"] = "viz/sheet_parts",
  ["tests/c/kernels/test_blocked_conv.c"] = "kernels/blocked_direct kernels/isa kernels/isa/dots kernels/isa/table kernels/isa/tile",
  ["tests/c/kernels/test_blocked_depthwise.c"] = "kernels/isa/depthwise",
  ["tests/c/kernels/test_blocked_winograd.c"] = "kernels/isa/winograd",
  ["tests/c/kernels/test_conv2d.c"] = "kernels/im2col kernels/depthwise",
  ["tests/c/kernels/test_gemm.c"] = "kernels/threads", -- the same products for any number of them
  ["tests/c/kernels/test_move.c"] = "kernels/loop",
  ["tests/c/kernels/test_reduce.c"] = "kernels/moments",
  ["tests/c/kernels/test_sample.c"] = "kernels/einsum kernels/region",
  ["tests/c/kernels/test_unary.c"] = "kernels/select",
  ["tests/c/scenes/test_glyphs.c"] = "scenes/classes",
  ["tests/c/graph/test_fill.c"] = "kernels/fill",
  ["tests/lua/test_cluster.lua"] = "cluster/cluster cluster/mpi", -- processes under mpirun
  ["tests/c/train/test_trainer.c"] = "train/init train/optimiser graph/training",
}

-- Floors whose contract is their Lua side: tests/lua covers them.
local BY_LUA = { bindings = true }

local missing = 0
local function miss(...)
  missing = missing + 1
  print(string.format(...))
end

local function read(path)
  local handle = io.open(root .. "/" .. path)
  if not handle then return nil end
  local text = handle:read "a"
  handle:close()
  return text
end

local function find(arguments)
  local paths = {}
  local list = assert(io.popen(("cd '%s' && find %s 2>/dev/null | LC_ALL=C sort"):format(root, arguments)))
  for path in list:lines() do paths[#paths + 1] = path end
  list:close()
  return paths
end

-- ---- methods
local lua_tests = {}
for _, path in ipairs(find "tests/lua -name '*_*.lua'") do lua_tests[path] = read(path) end

local recipes = {}
for _, path in ipairs(find "scripts -name '*.lua'") do recipes[path] = read(path) end

-- Whether one of the texts calls xai.<method>.
local function called_in(texts, method)
  for _, text in pairs(texts) do
    if text:find("xai%." .. method .. "%f[^%w_]") then return true end
  end
  return false
end

local methods = {}
for method in (read "src/explain/methods.def" or ""):gmatch "XAI_METHOD%(([%w_]+)%)" do
  if methods[method] then miss("methods.def: '%s' stands there twice", method) end
  methods[method] = true
  if not read("src/explain/" .. method .. ".c") then miss("method '%s': no src/explain/%s.c", method, method) end
  if not called_in(recipes, method) then miss("method '%s': no recipe calls xai.%s", method, method) end
  if not called_in(lua_tests, method) then miss("method '%s': no file of tests/lua calls xai.%s", method, method) end
end

-- ---- C files
local covered = {}
for test, sources in pairs(ELSEWHERE) do
  if not read(test) then miss("ELSEWHERE: %s does not exist", test) end
  for name in sources:gmatch "%S+" do
    covered["src/" .. name .. ".c"] = true
    if not read("src/" .. name .. ".c") then miss("ELSEWHERE: src/%s.c does not exist", name) end
  end
end

local files = 0
for _, path in ipairs(find "src -name '*.c'") do
  files = files + 1
  local floor, name = path:match "^src/(%w+)/(.+)%.c$"
  local test = ("tests/c/%s/test_%s.c"):format(floor, name)
  if covered[path] and read(test) then miss("%s: has %s; take it out of ELSEWHERE", path, test) end
  local is_method = floor == "explain" and methods[name]
  if not (covered[path] or BY_LUA[floor] or is_method or read(test)) then miss("%s: no %s", path, test) end
end

assert(files > 0, "no sources below " .. root)
print(("%d C files, %d gaps"):format(files, missing))
if missing > 0 then os.exit(1, true) end
