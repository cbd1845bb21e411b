-- xai.cluster: several processes as one, when mpirun started them; alone, everything here costs nothing.
--
--   for i = 1, n do if cluster.mine(i) then ... end end       -- every rank does its share of n parts
--   local all = cluster.gather(what_this_rank_found)          -- on every rank: what each of them found, rank 0 first
--
-- A part must not depend on who does it; put together in the order of the parts, results are the same bits for any number of
-- ranks. A script runs on all ranks from its first line to its last and sees the same results everywhere; rank 0 alone prints
-- to standard output (src/app/main.c). A rank that fails ends them all.
local core = require "xai.core"

local cluster = { rank = core.rank, size = core.size }

--- Whether part i, counted from 1, is this rank's.
function cluster.mine(i) return (i - 1) % cluster.size == cluster.rank end

-- ---- values as bytes -------------------------------------------------------------------------------------------------

local pack

local packers = {
  ["nil"] = function() return "n" end,
  boolean = function(v) return v and "t" or "f" end,
  number = function(v) return math.type(v) == "integer" and string.pack("<c1i8", "i", v) or string.pack("<c1d", "d", v) end,
  string = function(v) return string.pack("<c1s8", "s", v) end,
  table = function(t)
    local parts, n = {}, 0
    for key, value in pairs(t) do
      n = n + 1
      parts[2 * n - 1], parts[2 * n] = pack(key), pack(value)
    end
    return string.pack("<c1i8", "{", n) .. table.concat(parts)
  end,
  userdata = function(v)
    if not core.is_tensor(v) then core.fail "cluster: expected plain values and tensors, got a userdata" end
    local shape = {}
    for i, side in ipairs(v:shape()) do shape[i] = side end
    return "#" .. pack(v:dtype()) .. pack(shape) .. pack(core.bytes_of(v))
  end,
}

function pack(value)
  local packer = packers[type(value)]
  if not packer then core.fail("cluster: expected plain values and tensors, got a " .. type(value)) end
  return packer(value)
end

local unpack

local unpackers = {
  n = function(_, at) return nil, at end,
  t = function(_, at) return true, at end,
  f = function(_, at) return false, at end,
  i = function(s, at) return string.unpack("<i8", s, at) end,
  d = function(s, at) return string.unpack("<d", s, at) end,
  s = function(s, at) return string.unpack("<s8", s, at) end,
  ["{"] = function(s, at)
    local n, t, key = nil, {}, nil
    n, at = string.unpack("<i8", s, at)
    for _ = 1, n do
      key, at = unpack(s, at)
      t[key], at = unpack(s, at)
    end
    return t, at
  end,
  ["#"] = function(s, at)
    local dtype, shape, bytes
    dtype, at = unpack(s, at)
    shape, at = unpack(s, at)
    bytes, at = unpack(s, at)
    return core.tensor_of(bytes, dtype, shape), at
  end,
}

function unpack(s, at) return unpackers[s:sub(at, at)](s, at + 1) end

-- ---- saying it to one another ---------------------------------------------------------------------------------------------

--- What each rank has given, in their order, on every rank: nil, booleans, numbers (bit by bit), strings, tensors, and tables of
--- these. All ranks must call it, as often and in the same order.
function cluster.gather(value)
  if cluster.size == 1 then return { value } end
  local all = {}
  for i, text in ipairs(core.gather(pack(value))) do all[i] = (unpack(text, 1)) end
  return all
end

--- Until all ranks are here.
function cluster.wait() if cluster.size > 1 then core.gather "" end end

cluster.pack, cluster.unpack = pack, function(text) return (unpack(text, 1)) end

return cluster
