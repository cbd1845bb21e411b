-- What the pictures show. Made by examples/make_images.lua.
return {
  cat_dog = { about = "a cat and a dog", objects = {
    { class = "cat", box = { x = 18, y = 97, w = 89, h = 99 }, visible = 1.000 },
    { class = "dog", box = { x = 99, y = 66, w = 118, h = 125 }, visible = 0.997 },
  } },
  cat_dog_faces = { about = "the same two classes by other drawings, before something plain", objects = {
    { class = "dog", box = { x = 11, y = 33, w = 107, h = 86 }, visible = 0.997 },
    { class = "cat", box = { x = 99, y = 98, w = 111, h = 103 }, visible = 0.996 },
  } },
  three_dogs = { about = "one class three times", objects = {
    { class = "dog", box = { x = 117, y = 59, w = 103, h = 90 }, visible = 0.954 },
    { class = "dog", box = { x = 14, y = 65, w = 84, h = 95 }, visible = 0.975 },
    { class = "dog", box = { x = 68, y = 119, w = 90, h = 95 }, visible = 0.997 },
  } },
  behind_a_tree = { about = "a tiger, half hidden", objects = {
    { class = "tiger", box = { x = 97, y = 130, w = 95, h = 65 }, visible = 0.433 },
    { class = "tree", box = { x = 6, y = 31, w = 157, h = 174 }, visible = 0.999 },
  } },
  small_bird = { about = "one small object in clutter", objects = {
    { class = "bird", box = { x = 132, y = 55, w = 41, h = 35 }, visible = 0.996 },
  } },
  picnic = { about = "round things on a tablecloth", objects = {
    { class = "pizza", box = { x = 32, y = 21, w = 102, h = 113 }, visible = 0.998 },
    { class = "apple", box = { x = 127, y = 111, w = 79, h = 82 }, visible = 0.999 },
    { class = "apple", box = { x = 37, y = 132, w = 72, h = 79 }, visible = 0.998 },
  } },
  street = { about = "what drives, one behind the other", objects = {
    { class = "bus", box = { x = 80, y = 68, w = 128, h = 88 }, visible = 0.889 },
    { class = "car", box = { x = 17, y = 117, w = 99, h = 63 }, visible = 0.997 },
    { class = "bicycle", box = { x = 113, y = 148, w = 91, h = 65 }, visible = 0.998 },
  } },
  beach = { about = "three classes, well apart", objects = {
    { class = "umbrella", box = { x = 14, y = 67, w = 121, h = 119 }, visible = 0.986 },
    { class = "ball", box = { x = 134, y = 148, w = 57, h = 57 }, visible = 0.997 },
    { class = "helicopter", box = { x = 119, y = 20, w = 83, h = 57 }, visible = 0.991 },
  } },
  sea = { about = "a boat and a bird", objects = {
    { class = "sailboat", box = { x = 27, y = 37, w = 116, h = 128 }, visible = 1.000 },
    { class = "bird", box = { x = 130, y = 134, w = 77, h = 69 }, visible = 0.997 },
  } },
  balls = { about = "one class three times, with three textures", objects = {
    { class = "ball", box = { x = 21, y = 27, w = 92, h = 91 }, visible = 0.999 },
    { class = "ball", box = { x = 111, y = 44, w = 95, h = 96 }, visible = 1.000 },
    { class = "ball", box = { x = 59, y = 125, w = 87, h = 87 }, visible = 0.999 },
  } },
  clock_guitar = { about = "objects on a grating", objects = {
    { class = "clock", box = { x = 19, y = 25, w = 103, h = 103 }, visible = 1.000 },
    { class = "guitar", box = { x = 94, y = 63, w = 115, h = 143 }, visible = 0.999 },
  } },
  butterfly_flowers = { about = "small beside large", objects = {
    { class = "flower", box = { x = 23, y = 68, w = 100, h = 131 }, visible = 0.994 },
    { class = "flower", box = { x = 133, y = 99, w = 71, h = 103 }, visible = 0.997 },
    { class = "butterfly", box = { x = 113, y = 31, w = 76, h = 60 }, visible = 0.997 },
  } },
  lion = { about = "one object, nothing else", objects = {
    { class = "lion", box = { x = 53, y = 46, w = 120, h = 134 }, visible = 0.997 },
  } },
  purple_fox = { about = "a fox in its own colours and one that is not", objects = {
    { class = "fox", box = { x = 21, y = 80, w = 91, h = 86 }, visible = 0.999 },
    { class = "fox", box = { x = 115, y = 88, w = 91, h = 86 }, visible = 0.999 },
  } },
}
