-- all: every figure of the lecture, and one page with all of them: the files Lnn_name.lua beside this one, one after the other, each
-- on what ships with xairun. Some minutes, two of which L24 takes for training. A figure that fails is named at the end, and the
-- others are made.
local xai = require "xai"
local args = xai.args { "Makes every figure of the lecture, and one page that shows them all.",
  only = { "", "figures, with commas between them: L12,L25; all if absent" },
  page = { "lecture.png", "the page with all of them" } }

local folder, files, wanted = arg[0]:match "^.*/" or "./", {}, {}
for name in args.only:gmatch "[^,%s]+" do wanted[name] = true end
local list <close> = assert(io.popen(("ls '%s'"):format(folder)))
for file in list:lines() do
  local row = file:match "^(L%d+)_.*%.lua$"
  if row and (args.only == "" or wanted[row]) then files[#files + 1] = file end
end
local function number(file) return math.tointeger(file:match "%d+") end
table.sort(files, function(a, b) return number(a) < number(b) end)
if #files == 0 then error(("all: no figure '%s' in %s"):format(args.only, folder), 0) end

-- A figure is a sheet; those that it makes are kept, smaller.
local make, made, failed, start = xai.sheet, { title = "The lecture's figures" }, {}, xai.clock()
for _, file in ipairs(files) do
  xai.sheet = function(spec)
    local sheet = make(spec)
    local w, h = sheet.image:size()
    made[#made + 1] = { sheet.image:resize(600, math.max(1, 600 * h // w)), file:match "^(L%d+)" .. "\n" .. (sheet.title or file) }
    return sheet
  end
  print(file)
  arg = { [0] = folder .. file }
  local good, trouble = pcall(dofile, folder .. file)
  if not good then failed[#failed + 1] = ("%s: %s"):format(file, trouble) end
  collectgarbage()
end
xai.sheet = make
if #made > 0 then
  made.cols = math.ceil(math.sqrt(#made))
  make(made):save(args.page)
end
print(("%d figures in %.0f s"):format(#made, xai.clock() - start))
if #failed > 0 then error(table.concat(failed, "\n"), 0) end
