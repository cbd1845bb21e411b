/* scenes/classes.c: what is in a scene: nameable things of which the emoji font has at least one drawing.
 *
 * A drawing belongs to one class and shows nothing of another: no house with a tree beside it, no racket with a ball.
 * The held-out ones resemble the others as far as the font allows. */
#include <stddef.h>

#include "scenes/glyphs.h"
#include "xai/scenes.h"

const xai_scene_row xai_scene__rows[XAI_SCENE_CLASSES] = {
    /* face, standing, poodle | guide dog */
    {"dog", {0x1F436, 0x1F415, 0x1F429, 0x1F9AE}, 3, 4},
    /* faces and one that walks | wry and kissing faces */
    {"cat", {0x1F431, 0x1F408, 0x1F63A, 0x1F63B, 0x1F640, 0x1F63E, 0x1F63C, 0x1F63D}, 6, 8},
    {"fox", {0x1F98A}, 1, 1},
    {"panda", {0x1F43C}, 1, 1},
    {"lion", {0x1F981}, 1, 1},
    {"tiger", {0x1F42F, 0x1F405}, 2, 2},
    /* fish, blowfish, shark | tropical fish */
    {"fish", {0x1F41F, 0x1F421, 0x1F988, 0x1F420}, 3, 4},
    {"butterfly", {0x1F98B}, 1, 1},
    /* saloon, its front, off-roader, taxi, its front, pickup | police car, its front */
    {"car", {0x1F697, 0x1F698, 0x1F699, 0x1F695, 0x1F696, 0x1F6FB, 0x1F693, 0x1F694}, 6, 8},
    /* bus, its front | trolleybus */
    {"bus", {0x1F68C, 0x1F68D, 0x1F68E}, 2, 3},
    {"bicycle", {0x1F6B2}, 1, 1},
    {"helicopter", {0x1F681}, 1, 1},
    {"sailboat", {0x26F5}, 1, 1},
    /* house, group, hut | derelict house */
    {"house", {0x1F3E0, 0x1F3D8, 0x1F6D6, 0x1F3DA}, 3, 4},
    /* broad-leaved, fir, palm | decorated fir */
    {"tree", {0x1F333, 0x1F332, 0x1F334, 0x1F384}, 3, 4},
    /* sunflower, daisy, hibiscus, tulip, cherry blossom, lotus | rosette, rose */
    {"flower", {0x1F33B, 0x1F33C, 0x1F33A, 0x1F337, 0x1F338, 0x1FAB7, 0x1F3F5, 0x1F339}, 6, 8},
    {"apple", {0x1F34E, 0x1F34F}, 2, 2},
    {"pizza", {0x1F355}, 1, 1},
    /* five times of the day, alarm clock, stopwatch | mantelpiece clock */
    {"clock", {0x1F550, 0x1F553, 0x1F557, 0x1F55E, 0x1F561, 0x23F0, 0x23F1, 0x1F570}, 7, 8},
    {"guitar", {0x1F3B8}, 1, 1},
    /* football, basketball, baseball, softball, American football, billiards | volleyball, rugby */
    {"ball", {0x26BD, 0x1F3C0, 0x26BE, 0x1F94E, 0x1F3C8, 0x1F3B1, 0x1F3D0, 0x1F3C9}, 6, 8},
    /* open, in the rain, closed | parasol */
    {"umbrella", {0x2602, 0x2614, 0x1F302, 0x26F1}, 3, 4},
    /* songbird, chick, its front, penguin, duck, owl, parrot, swan, rooster, flamingo | eagle, goose */
    {"bird",
     {0x1F426, 0x1F424, 0x1F425, 0x1F427, 0x1F986, 0x1F989, 0x1F99C, 0x1F9A2, 0x1F413, 0x1F9A9, 0x1F985, 0x1FABF},
     10,
     12},
    {"mushroom", {0x1F344}, 1, 1},
};

const char *xai_scene_class(int i) { return i >= 0 && i < XAI_SCENE_CLASSES ? xai_scene__rows[i].name : NULL; }

int xai_scene_drawings(int i, xai_drawings which) {
  if (i < 0 || i >= XAI_SCENE_CLASSES) return 0;
  const xai_scene_row *row = &xai_scene__rows[i];
  return which == XAI_DRAWINGS_ALL ? row->all : which == XAI_DRAWINGS_TRAIN ? row->train : row->all - row->train;
}
