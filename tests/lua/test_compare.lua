-- The recipe "compare" as a program: its table and its files.
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local tiny = dofile(here .. "tiny.lua")
local xai = require "xai"

local program = ("'%s/xairun' -q compare --size 16 --classes dog,cat,fox --count 2 "):format(os.getenv "XAI_BUILD" or "build")

--- What the recipe prints, with the tiny network (3 classes, no labels) in place of MODEL.
local function compare(arguments)
  return tiny.with_file(tiny.bytes(3), function(path)
    local pipe = assert(io.popen(program .. "--model '" .. path .. "' " .. arguments .. " 2>&1"))
    local out = pipe:read "a"
    return out, pipe:close()
  end)
end

local found, trouble = pcall(xai.scenes, { classes = { "fox" } })
local function drawn(name, fn)
  test(name, function(t)
    if not found then t.skip(trouble) end
    fn(t)
  end)
end

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  os.remove(path)
  return text
end

drawn("the table has a line per method and says what could not be", function(t)
  local out, good = compare "--methods random,cam,saliency --metrics pointing,mass,deletion"
  t.ok(good, out)
  t.ok(out:find "^method +pointing +mass +deletion +s a map\n", out)
  for _, method in ipairs { "random", "cam", "saliency" } do
    t.ok(out:find("\n" .. method .. " +%d%.%d%d%d +%d%.%d%d%d +%d%.%d%d%d +%d+%.%d%d%d%d\n"), out)
  end
  t.ok(out:find "means of 4 objects in 2 scenes, RISE with 500 masks; lower is better: deletion", out)
end)

drawn("the files have a record per method, score and class", function(t)
  local csv, json = os.tmpname(), os.tmpname()
  local out, good = compare(("--methods random --metrics mass,rank --csv '%s' --json '%s'"):format(csv, json))
  t.ok(good, out)
  local text, lines, objects = read(csv), 0, 0
  t.eq(text:match "^[^\n]*", "method,metric,class,mean,se,n,seconds")
  for method, metric, class, mean, se, n in text:gmatch '\n"(%a+)","(%a+)","(%a*)",([^,]*),([^,]*),(%d+),[^\n]+' do
    lines = lines + 1
    t.eq(method, "random")
    t.ok(tonumber(mean) >= 0 and tonumber(mean) <= 1 and (se == "") == (n == "1"))
    if metric == "rank" and class ~= "" then objects = objects + n end
  end
  t.eq(objects, 4) -- two scenes of two
  local records = select(2, read(json):gsub('{ "method": "random", "metric": "%a+", "class": "%a*", "mean": [%d.e-]+, "se": %S+, "n": %d+,', ""))
  t.eq(records, lines)
end)

drawn("a method that nothing comes of, and names that are none, are told", function(t)
  local out, good = compare "--methods gradcan --metrics mass"
  t.ok(not good and out:find("no method 'gradcan'", 1, true), out)
  out, good = compare "--metrics mas"
  t.ok(not good and out:find("did you mean 'mass'?", 1, true), out)
end)

done()
