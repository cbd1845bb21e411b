-- folder.lua: a folder of one's own for tests that write many files.
local core = require "xai.core"
local folder = {}

--- Calls fn with the path of a new folder, which is gone afterwards.
function folder.with(fn)
  local path = os.tmpname()
  os.remove(path)
  core.make_dir(path)
  local result = table.pack(pcall(fn, path))
  os.execute(("rm -rf '%s'"):format(path))
  if not result[1] then error(result[2], 0) end
  return table.unpack(result, 2, result.n)
end

function folder.write(path, text)
  core.make_dir((path:match "^(.*)/"))
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
end

function folder.read(path)
  local file <close> = assert(io.open(path, "rb"))
  return (file:read "a")
end

--- Writes a picture of one colour.
function folder.picture(path, r, g, b, side)
  core.make_dir((path:match "^(.*)/"))
  local img, pixel = {}, { r, g or r, b or r }
  for y = 1, side or 4 do
    img[y] = {}
    for x = 1, side or 4 do img[y][x] = pixel end
  end
  core.image_of(core.tensor(img, "uint8")):write(path)
end

--- { name = bytes } of all files in a folder.
function folder.contents(path)
  local files = {}
  for _, entry in ipairs(core.folder(path)) do
    if not entry.folder then files[entry.name] = folder.read(path .. "/" .. entry.name) end
  end
  return files
end

return folder
