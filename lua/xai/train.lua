-- xai.train and xai.trainer: training a network in a loop of one's own, or in one call.
--
--   local t = xai.trainer(net, { lr = 0.05, momentum = 0.9, freeze = { "features" } })
--   for step = 1, 100 do print(t:step(x, targets)) end                  -- loss, correct, length of the gradient
--   local trained = t:net()
--
--   local trained, history = xai.train(net, data, { epochs = 10, batch = 64, schedule = { "cosine", warmup = 0.1 } })
--   local trained = xai.train(net, xai.scenes { count = 64000 }, { init = "he", lr = 0.05 })
local core = require "xai.core"
local check = require "xai.check"
local say = require "xai.say"
local stderr = io and io.stderr -- a sandbox may have no io

-- ---- trainers --------------------------------------------------------------------------------------------------------

local TRAINER = { "optimiser", "lr", "momentum", "nesterov", "beta1", "beta2", "epsilon", "weight_decay", "decay_all", "clip",
  "loss", "smoothing", "init", "init_scale", "freeze", "seed" }

--- The layers that a list of names, modules ("layer1" holds "layer1.0.conv1") and Lua patterns is about.
local function matching(net, patterns)
  if patterns == nil then return nil end
  if type(patterns) == "string" then patterns = { patterns } end
  check.kind("trainer", "freeze", patterns, "table")
  local names = {}
  for _, pattern in ipairs(patterns) do
    check.kind("trainer", "freeze", pattern, "string")
    local before = #names
    for _, layer in ipairs(net:layers()) do
      local name, n = layer.name, #pattern
      local inside = name:sub(1, n) == pattern and name:sub(n + 1, n + 1):find "^[./]?$"
      local valid, found = pcall(string.find, name, pattern)
      if inside or (pattern:find "[%^%$%*%+%?%[%%]" and valid and found) then names[#names + 1] = name end
    end
    if #names == before then names[#names + 1] = net:layer(pattern).name end -- another of its names, or an error
  end
  return names
end

--- xai.trainer(net, options): see help "trainer".
local function trainer(net, options)
  options = check.options("trainer", options, TRAINER)
  local native = {}
  for key, value in pairs(options) do native[key] = value end
  native.freeze = matching(net, options.freeze)
  return core.trainer(net, native)
end

-- ---- data ------------------------------------------------------------------------------------------------------------
-- Whatever the caller has becomes { count =, take = function(first, n, epoch) -> x, targets }.

local function from_tensors(data, seed, shuffle)
  local x, y = data.x, data.y
  if type(y) == "table" then y = core.tensor(y, "int64") end
  if not core.is_tensor(x) or not core.is_tensor(y) then
    core.fail "train: data: expected { x = tensor, y = tensor or list of class ids }"
  end
  local n, order, of = x:shape()[1] or 0, nil, nil
  if n ~= (y:shape()[1] or 0) then
    core.fail(("train: data: %d pictures and %d targets (expected as many)"):format(n, y:shape()[1] or 0))
  end
  return { count = n, take = function(first, count, epoch)
    if of ~= epoch then order, of = core.permuted(n, shuffle and seed or nil, epoch), epoch end
    return core.rows(x, order, first, count), core.rows(y, order, first, count)
  end }
end

--- Scenes, and what else makes pictures into inputs as the network wants them.
local function from_object(net, data, soft)
  return { count = #data, take = function(first, count)
    local x, labels, shares = data:batch(first, count, net)
    if soft and not shares then core.fail "train: soft: the data give no shares of the classes" end
    return x, soft and shares or labels
  end }
end

local function source_of(net, data, options, seed, shuffle)
  local kind = type(data)
  local has_batch = (kind == "table" or kind == "userdata") and pcall(function() return data.batch end) and data.batch
  if kind == "function" then return { take = function(first, n) return data(first, n) end } end
  local source
  if has_batch then source = from_object(net, data, options.soft)
  elseif kind == "table" then source = from_tensors(data, seed, shuffle)
  else core.fail("train: data: expected { x =, y = }, a function or an object with batch(first, n), got a " .. kind) end
  if source.count < 1 then core.fail "train: data: there is no picture in it" end
  return source
end

-- ---- progress --------------------------------------------------------------------------------------------------------

local EVERY, RATE = 10, 0.2 -- seconds between lines of a log, and on a terminal

--- Says how it goes: on a terminal a line that changes, else a line now and then.
local function reporter(first, steps, batch)
  local terminal, start, shown = core.on_terminal "stderr", core.clock(), -math.huge
  local loss, accuracy, open = 0, 0, false
  local self = setmetatable({}, { __close = function() -- what is said next begins a line of its own
    if open then stderr:write "\n" end
  end })
  function self.step(step, step_loss, correct)
    local share = math.max(0.02, 1 / (step - first)) -- of this step in the mean of the last fifty or so
    loss, accuracy = loss + share * (step_loss - loss), accuracy + share * (correct / batch - accuracy)
    local now = core.clock()
    if core.quiet() or not stderr or (now - shown < (terminal and RATE or EVERY) and step < steps) then return end
    if not terminal and shown == -math.huge and now - start < EVERY and step < steps then return end
    shown = now
    open = terminal and step < steps
    local rate = (step - first) / math.max(1e-9, now - start)
    stderr:write(terminal and "\r\27[K" or "", ("step %d of %d  loss %.4f  accuracy %.1f %%  %.0f images/s  %s left"):format(step, steps,
      loss, 100 * accuracy, rate * batch, say.left((steps - step) / rate)), open and "" or "\n")
  end
  return self
end

-- ---- training --------------------------------------------------------------------------------------------------------

local OWN = { "epochs", "steps", "batch", "schedule", "augment", "shuffle", "soft", "validate", "every", "checkpoint", "resume",
  "on_step" }

local function split(options)
  local all, native = {}, {}
  for _, list in ipairs { OWN, TRAINER } do
    for _, name in ipairs(list) do all[#all + 1] = name end
  end
  options = check.options("train", options, all)
  for _, name in ipairs(TRAINER) do native[name] = options[name] end
  return options, native
end

local function whole(options, name, absent)
  local v = options[name]
  if v == nil then return absent end
  if math.type(v) ~= "integer" or v < 1 then core.fail(("train: %s: expected a whole number from 1 on, got %s"):format(name, tostring(v))) end
  return v
end

--- "cosine" or { "cosine", warmup = 0.1, last = 0 }, { "step", every = 1/3, factor = 0.1 }
local function schedule_of(options)
  local s = options.schedule or "constant"
  if type(s) == "string" then s = { s } end
  s = check.options("train: schedule", s, { 1, "warmup", "every", "factor", "last" })
  for _, key in ipairs { "warmup", "every", "factor", "last" } do check.kind("train: schedule", key, s[key], "number") end
  local plan = { kind = s[1] or "constant", warmup = s.warmup, every = s.every, factor = s.factor, last = s.last }
  core.schedule_factor(plan, 0, 1) -- a misspelt kind is told before anything begins
  return plan
end

--- Loss and accuracy over a data set, in its own order.
local function validate(t, source, batch)
  local loss, correct, count = 0, 0, source.count
  for first = 1, count, batch do
    local n = math.min(batch, count - first + 1)
    local x, y = source.take(first, n, 0)
    local l, c = t:test(x, y)
    loss, correct = loss + l * n, correct + c
  end
  return loss / count, correct / count
end

local function row_text(row)
  return ("%d %.17g %.17g %.17g %.17g"):format(row.step, row.loss, row.accuracy, row.validation_loss or -1, row.validation_accuracy or -1)
end

local function read_rows(note)
  local rows = {}
  for line in (note or ""):gmatch "[^\n]+" do
    local v = {}
    for word in line:gmatch "%S+" do v[#v + 1] = tonumber(word) end
    if #v == 5 then
      rows[#rows + 1] = { step = math.tointeger(v[1]), loss = v[2], accuracy = v[3], validation_loss = v[4] >= 0 and v[4] or nil,
        validation_accuracy = v[5] >= 0 and v[5] or nil }
    end
  end
  return rows
end

--- What is summed up since the last row of the history goes into the note as well, so that a resumed run has the same rows.
local function note_of(history, sums)
  local lines = {}
  for i, row in ipairs(history) do lines[i] = row_text(row) end
  lines[#lines + 1] = ("sums %.17g %d %d"):format(sums.loss, sums.correct, sums.steps)
  return table.concat(lines, "\n")
end

local function take_up(t, path)
  local note = t:load(path)
  local loss, correct, steps = (note or ""):match "sums (%S+) (%d+) (%d+)"
  return read_rows(note), { loss = tonumber(loss) or 0, correct = math.tointeger(correct) or 0, steps = math.tointeger(steps) or 0 }
end

--- xai.train(net, data, options) -> trained network, history: see help "train".
local function train(net, data, options)
  local native
  options, native = split(options)
  local seed = options.seed or core.seed()
  native.seed = seed
  local batch = whole(options, "batch", 64)
  local source = source_of(net, data, options, seed, options.shuffle ~= false)
  if source.count then batch = math.min(batch, source.count) end
  local per_epoch = source.count and source.count // batch
  if not per_epoch and not options.steps then core.fail "train: steps: expected a number, since data from a function have no end" end
  local steps = whole(options, "steps") or whole(options, "epochs", 1) * per_epoch
  local every = whole(options, "every", per_epoch or 100) -- steps between rows of the history and checkpoints
  local plan = schedule_of(options)
  check.kind("train", "on_step", options.on_step, "function")
  check.kind("train", "checkpoint", options.checkpoint, "string")
  local test = options.validate and source_of(net, options.validate, options, seed, false)
  if test and not test.count then core.fail "train: validate: expected data with an end" end

  local t = trainer(net, native)
  local history, sums = {}, { loss = 0, correct = 0, steps = 0 }
  if options.checkpoint and options.resume ~= false and core.exists(options.checkpoint) then
    history, sums = take_up(t, options.checkpoint)
    say.note(("train: goes on after step %d of %s"):format(t.steps, options.checkpoint))
  end
  local report <close> = reporter(t.steps, steps, batch)
  for step = t.steps + 1, steps do
    local at = step - 1
    local x, y
    if per_epoch then x, y = source.take(at % per_epoch * batch + 1, batch, at // per_epoch)
    else x, y = source.take(at * batch + 1, batch) end
    if options.augment then x = core.augment(x, options.augment, seed, at) end
    local loss, correct = t:step(x, y, { lr = t.lr * core.schedule_factor(plan, at, steps) })
    sums.loss, sums.correct, sums.steps = sums.loss + loss, sums.correct + correct, sums.steps + 1
    report.step(step, loss, correct)
    if options.on_step then options.on_step(step, loss, correct, t) end
    if step % every == 0 or step == steps then
      local row = { step = step, loss = sums.loss / sums.steps, accuracy = sums.correct / (sums.steps * batch) }
      if test then row.validation_loss, row.validation_accuracy = validate(t, test, batch) end
      history[#history + 1], sums = row, { loss = 0, correct = 0, steps = 0 }
      if options.checkpoint then t:save(options.checkpoint, note_of(history, sums)) end
    end
  end
  return t:net(), history
end

return { trainer = trainer, train = train }
