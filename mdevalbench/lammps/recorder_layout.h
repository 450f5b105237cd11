// Layout of the evidence memory that the recorder writes and mdevalbench/lammps/record.py and reading.py read.
// Every field is 8 bytes wide or an array of such, so that both sides agree without packing rules.

#ifndef MDEB_RECORDER_LAYOUT_H
#define MDEB_RECORDER_LAYOUT_H

#include <cstdint>

namespace mdeb {

constexpr uint64_t MAGIC = 0x4d44455642303035;    // changes with every change of this file
constexpr int MAX_RULES = 8, MAX_FACTORS = 8;

struct Section {
  uint64_t at, capacity;    // byte offset in the memory, and bytes
  uint64_t used;            // bytes written
  uint64_t dropped;         // records that did not fit
};

struct CoeffRule {          // multiply numbers of pair_coeff of styles that begin with `style`
  char style[64];
  uint64_t count;
  uint64_t position[MAX_FACTORS];
  double factor[MAX_FACTORS];
};

struct Header {
  // set by the harness before the run
  uint64_t magic, seed;
  uint64_t samples, frames, pairs;    // per loop
  uint64_t threads;                   // most that `package omp` may ask for
  uint64_t nrules;
  CoeffRule rules[MAX_RULES];
  char forbidden[8192];    // patterns, one a line, the first that fits decides: "!shell rm", "shell", "fix imd"
  Section loops, samples_section, settings, trace, frames_section, final_slots;
  // set by the recorder
  uint64_t attached;
  uint64_t final_slot;    // 0: none yet, else 1 + the slot that holds the last end frame
  int64_t line;           // line of the user's script that was read last (1-based), 0 if none
  uint64_t quit_called;
  int64_t quit_status;
};

enum LoopKind { VERLET = 0, RESPA = 1, MINIMISER = 2 };

struct LoopRecord {
  int64_t kind;
  int64_t requested, steps, completed, nested;
  int64_t command;    // index of the command that began it, in the order of the trace
  int64_t line;
  int64_t settings;    // byte offset in the settings region
  int64_t edit;        // bits of Edit
  double displaced, velocity;
  double time, duration, dt_min, dt_max;
};

enum Edit { NATOMS = 1, TYPES = 2, MASSES = 4, CELL = 8, REBUILT = 16, FIRST = 32 };

struct SampleRow {
  int64_t loop, step, natoms, integrated;
  double time, potential_energy;
  double kinetic[6], momentum[3], mass, virial[6];
  double h[6];    // lx ly lz xy xz yz
};

enum FrameKind { BEGIN = 0, SAMPLED = 1, SUCCESSOR = 2, END = 3 };

// then: id, type (int64), mass (double), integrated (int64), x, v, f (3 doubles each), applied if has_applied,
// x for which forces were computed if has_moved
struct FrameHeader {
  int64_t kind, loop, step, natoms, has_applied, has_moved, clean, tallied;
  int64_t periodic[3];
  double time, dt, origin[3], h[6];
  double computed_origin[3], computed_h[6];    // the box for which forces were computed
  double potential_energy, tail_energy, virial[6];
};

}    // namespace mdeb

#endif
