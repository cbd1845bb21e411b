-- xai.images: labels, order, batches, what cannot be read.
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local tiny, folder = dofile(here .. "tiny.lua"), dofile(here .. "folder.lua")
local xai = require "xai"

--- Two classes of pictures, each known by its grey level, one file that is none, and one that is damaged.
local function make(path)
  folder.picture(path .. "/dog/b.png", 20)
  folder.picture(path .. "/dog/a.bmp", 10)
  folder.picture(path .. "/cat/x.PNG.png", 30)
  folder.picture(path .. "/cat/young/y.jpg", 40)
  folder.write(path .. "/dog/damaged.png", folder.read(path .. "/dog/b.png"):sub(1, 40))
  folder.write(path .. "/dog/notes.txt", "no picture")
  folder.write(path .. "/cat/.hidden.png", "no picture")
end

--- What a pass over a set hands out: { "1 10 dog", ... }
local function pass(set, options)
  local seen = {}
  for i, img, label in set:each(options) do
    seen[#seen + 1] = ("%d %d %s"):format(i, img:get(1, 1), set:class(label))
  end
  return seen
end

test("a folder per class: sorted by name, labels by the folders, whatever the number of threads", function(t)
  folder.with(function(path)
    make(path)
    local set = xai.images(path .. "/")
    t.eq(#set, 5)
    t.eq(set.classes, { "cat", "dog" })
    for _, options in ipairs { { threads = 1 }, { threads = 3 }, { threads = 2, ahead = 1 } } do
      t.eq(pass(set, options), { "1 30 cat", "2 40 cat", "3 10 dog", "4 20 dog" })
      t.eq(#set.skipped, 1)
      t.eq({ set.skipped[1].index, set.skipped[1].path }, { 5, path .. "/dog/damaged.png" })
      t.ok(set.skipped[1].why:find("damaged.png", 1, true))
    end
    t.eq(set:name(2), "cat/young/y.jpg")
    t.eq(set[3].label, 1)
    t.eq(set[3].image:get(1, 1), 10)
    t.eq(set[6], nil)
    t.eq(tostring(set), "5 pictures of 2 classes")
  end)
end)

test("a loop that is left early lets go of everything", function(t)
  folder.with(function(path)
    make(path)
    for i in xai.images(path):each { threads = 2 } do
      if i == 2 then break end
    end
  end)
  t.ok(true) -- the harness counts what is left over
end)

test("a list in a file: paths from its folder, quotes, a heading, no label", function(t)
  folder.with(function(path)
    make(path)
    os.rename(path .. "/dog/b.png", path .. "/dog/b, the \"second\".png")
    folder.write(path .. "/list.csv", ('path,label\r\ndog/a.bmp,terrier\n"dog/b, the ""second"".png", "basset"\n\n%s/cat/x.PNG.png,terrier\ncat/young/y.jpg\n'):format(path))
    local set = xai.images(path .. "/list.csv")
    t.eq(set.classes, { "basset", "terrier" })
    t.eq(pass(set), { "1 10 terrier", "2 20 basset", "3 30 terrier", "4 40 nil" })
    folder.write(path .. "/ids.csv", "dog/a.bmp,7\ncat/young/y.jpg,0\n")
    set = xai.images(path .. "/ids.csv")
    t.eq(set.classes, nil)
    t.eq({ set[1].label, set[2].label }, { 7, 0 })
  end)
end)

test("lists of paths and of pictures; classes in an order of one's own", function(t)
  folder.with(function(path)
    make(path)
    local set = xai.images({ { path .. "/dog/a.bmp", label = "dog" }, { path = path .. "/cat/x.PNG.png", label = "cat" },
      path .. "/dog/b.png" }, { classes = { "dog", "cat", "fox" } })
    t.eq(pass(set), { "1 10 dog", "2 30 cat", "3 20 nil" })
    t.eq({ set[1].label, set[2].label, set[3].label }, { 0, 1, nil })
    t.fails(function() xai.images({ { "a.png", label = "dgo" } }, { classes = { "dog", "cat" } }) end,
      "images: a.png: label 'dgo' is none of the 2 classes; did you mean 'dog'?")
    t.fails(function() xai.images({ { "a.png", label = 2 } }, { classes = { "dog", "cat" } }) end, "label '2' is none of the 2 classes")
    set = xai.images { xai.image(path .. "/dog/a.bmp"), { image = xai.image(path .. "/dog/b.png"), label = "dog" } }
    t.eq(pass(set), { "1 10 nil", "2 20 dog" })
    t.eq(pass(xai.images(path .. "/dog/a.bmp")), { "1 10 nil" })
    t.eq(xai.images(set), set)
  end)
  t.eq(#xai.images { "examples/images/cat_dog.png" }[1].image:tensor(), 224) -- inside the program
end)

test("what is no set of pictures is refused", function(t)
  t.fails(function() xai.images "/nowhere/at/all" end, "images: /nowhere/at/all: no such folder")
  t.fails(function() xai.images(3) end, "images: expected a folder, a list or scenes, got a number")
  t.fails(function() xai.images {} end, "images: there is no picture in this list")
  t.fails(function() xai.images { 3 } end, "images: entry 1: expected a path, a picture, or { path, label = }, got a number")
  t.fails(function() xai.images { "a.png", xai.image(xai.zeros(2, 2, 3, "uint8")) } end, "images: entry 2: files and pictures do not mix")
  t.fails(function() xai.images({ "a.png" }, { thread = 2 }) end, "images: unknown option 'thread' (options: classes, threads, ahead); did you mean 'threads'?")
  t.fails(function() xai.images({ "a.png" }):each { threads = 0 } end, "threads")
  t.fails(function() xai.images(xai.randn(2)) end, "images: set: expected")
  folder.with(function(path)
    folder.write(path .. "/inside/notes.txt", "x")
    t.fails(function() xai.images(path) end, "there is no picture in this folder")
  end)
end)

test("inputs in batches: as the network wants them, with labels and positions", function(t)
  folder.with(function(path)
    make(path)
    local net, set, rows = tiny.load(), xai.images(path), {}
    for x, labels, at in set:batches(net, { batch = 2 }) do
      t.eq(x:shape()[1], #at)
      for i, position in ipairs(at) do rows[#rows + 1] = { position, labels[i], x[i] } end
    end
    t.eq(#rows, 4)
    for i, row in ipairs(rows) do
      t.eq({ row[1], row[2] }, { i, i < 3 and 0 or 1 })
      t.ok((row[3] - net:prepare(set[i].image):reshape(1, 4, 4)):norm() == 0)
    end
    local x, labels = set:batch(2, 2, net) -- what training and accuracy ask for
    t.eq(x:shape()[1], 2)
    t.eq(labels:totable(), { 0, 1 })
    t.fails(function() set:batch(4, 2, net) end, "damaged.png")
    t.fails(function() set:batch(5, 2, net) end, "images: batch: expected positions in 1 to 5, got 5 and 2 of them")
  end)
end)

test("scenes are a set as well", function(t)
  local good, scenes = pcall(xai.scenes, { seed = 3, size = 32, count = 7, classes = { "dog", "cat" } })
  if not good then t.skip(scenes) end
  local set, n = xai.images(scenes), 0
  t.eq({ #set, set.classes }, { 7, { "dog", "cat" } })
  for i, img, label in set:each { threads = 3 } do
    n = n + 1
    t.eq(i, n)
    t.eq(label, scenes[i].label)
    t.ok((xai.tensor(img:tensor(), "float32") - xai.tensor(scenes[i].image:tensor(), "float32")):norm() == 0)
  end
  t.eq(n, 7)
  t.eq(set:hash(), xai.images(xai.scenes { seed = 3, size = 32, count = 7, classes = { "dog", "cat" } }):hash())
  t.ok(set:hash() ~= xai.images(xai.scenes { seed = 4, size = 32, count = 7, classes = { "dog", "cat" } }):hash())
end)

test("a set is told from others by names, sizes and labels, not by where it is", function(t)
  folder.with(function(path)
    make(path .. "/a")
    os.execute(("cp -r '%s/a' '%s/b'"):format(path, path))
    local hash = xai.images(path .. "/a"):hash()
    t.eq(xai.images(path .. "/b"):hash(), hash)
    folder.write(path .. "/b/dog/damaged.png", "longer now, or shorter")
    local longer = xai.images(path .. "/b"):hash()
    t.ok(longer ~= hash)
    os.rename(path .. "/b/dog", path .. "/b/wolf")
    t.ok(xai.images(path .. "/b"):hash() ~= longer)
  end)
end)

done()
