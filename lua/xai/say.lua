-- xai.say: what the library tells the user, and where pictures go.
local core = require "xai.core"
local stderr, print = io and io.stderr, print -- a sandbox may have no io

local say = {}

--- A remark, on stderr so that a script's own output stays clean.
function say.note(text)
  if stderr and not core.quiet() then stderr:write(text, "\n") end
end

--- The same remark once per process.
local told = {}
function say.once(text)
  if not told[text] then say.note(text) end
  told[text] = true
end
core.on_note(say.once) -- a method in a loop says only once which layer it took

--- A time to come: "2:05 min", "1:30 h".
function say.left(seconds)
  seconds = math.ceil(seconds)
  if seconds >= 3600 then return ("%d:%02d h"):format(seconds // 3600, seconds % 3600 // 60) end
  return ("%d:%02d min"):format(seconds // 60, seconds % 60)
end

--- How far a long task is: tell = say.progress("score gradcam", 100), then tell(i) after each part. A line every ten seconds,
--- none for what is over sooner.
function say.progress(what, total)
  local start = core.clock()
  local said = start
  return function(done)
    local now = core.clock()
    if now - said < 10 or done >= total then return end
    said = now
    local rate = done / (now - start)
    say.note(("%s: %d of %d, %.3g per second, %s left"):format(what, done, total, rate, say.left((total - done) / rate)))
  end
end

local tell
core.on_progress(function(what, done, total)
  if done == 0 then tell = say.progress(what, total) else tell(done) end
end)

--- Where a picture goes: "a.png" into the output folder (-o, default "out"), "here/a.png" and "./a.png" as they stand.
function say.place(path)
  if type(path) ~= "string" then core.fail("save: expected a file name, got " .. type(path)) end
  if path:find("/", 1, true) then return path end
  core.make_dir(core.out_dir())
  return core.out_dir() .. "/" .. path
end

function say.wrote(path)
  if not core.quiet() then print("wrote " .. path) end
end

return say
