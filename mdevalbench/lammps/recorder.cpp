// The flight recorder: evidence taken inside LAMMPS, in the process that runs the script.
//
// This library is loaded before liblammps.so. The names below are those of LAMMPS functions, so that calls through
// LAMMPS's procedure linkage table and virtual tables come here first; each wrapper looks, then calls the real one.
// It issues no LAMMPS command, adds no fix or compute, and writes only to anonymous shared memory that the script
// has no name for. Steps to sample are drawn at random from a seed that the harness keeps to itself.
//
// It must be compiled against the headers of the very LAMMPS it runs with, with -fno-access-control.

#include "angle.h"
#include "atom.h"
#include "bond.h"
#include "dihedral.h"
#include "domain.h"
#include "error.h"
#include "fix.h"
#include "force.h"
#include "group.h"
#include "improper.h"
#include "input.h"
#include "kspace.h"
#include "lammps.h"
#include "modify.h"
#include "pair.h"
#include "update.h"

#include "recorder_layout.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <dlfcn.h>
#include <fnmatch.h>
#include <limits>
#include <random>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <unordered_map>
#include <vector>

using namespace LAMMPS_NS;
using namespace mdeb;

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

// the beginning of LAMMPS's class Integrate, whose header the wheel does not ship
struct IntegrateFlags : Pointers {
  int eflag, vflag, virial_style;
};
struct AnyPointers : Pointers {};

LAMMPS *lammps_of(void *object) { return static_cast<AnyPointers *>(object)->lmp; }

Header *header = nullptr;
char *memory_base = nullptr;
std::mt19937_64 rng;

// ---------------------------------------------------------------- sections of the evidence memory

char *reserve(Section &section, uint64_t bytes)
{
  bytes = (bytes + 7) & ~uint64_t(7);
  if (section.capacity - section.used < bytes) {
    section.dropped++;
    return nullptr;
  }
  char *place = memory_base + section.at + section.used;
  section.used += bytes;
  return place;
}

// ---------------------------------------------------------------- where in the user's script we are

struct ScriptFile {
  dev_t device = 0;
  ino_t inode = 0;
  std::vector<long> line_starts;

  void index(const char *path)
  {
    line_starts.clear();
    FILE *fp = fopen(path, "r");
    if (!fp) return;
    struct stat info;
    fstat(fileno(fp), &info);
    device = info.st_dev;
    inode = info.st_ino;
    line_starts.push_back(0);
    long offset = 0;
    for (int c; (c = getc(fp)) != EOF;) {
      offset++;
      if (c == '\n') line_starts.push_back(offset);
    }
    fclose(fp);
  }
  // 1-based number of the line that ends before the file's read position; 0 if this is another file
  int64_t line(FILE *fp) const
  {
    struct stat info;
    if (!fp || fstat(fileno(fp), &info) || info.st_dev != device || info.st_ino != inode) return 0;
    long offset = ftell(fp);
    return std::lower_bound(line_starts.begin(), line_starts.end(), offset) - line_starts.begin();
  }
} script;

// ---------------------------------------------------------------- forces before fixes change them

struct Snapshot {
  bigint step = -1;
  int nlocal = 0;
  std::vector<double> forces;

  void take(LAMMPS *lmp)
  {
    step = lmp->update->ntimestep;
    nlocal = lmp->atom->nlocal;
    if (nlocal) forces.assign(lmp->atom->f[0], lmp->atom->f[0] + 3 * size_t(nlocal));
  }
} before_fixes;

// ---------------------------------------------------------------- the loop that is running

struct Loop {
  LAMMPS *lmp;
  LoopRecord *record;
  int64_t index;
  int integrate_bits = 0;
  int64_t requested = 0, begun = 0;
  double dt = 0.0;
  int64_t stride = 1;
  int64_t sample_number = 0, next_sample = -1;    // in steps of this loop, from 1
  int frame_every = 1, pairs_left = 0;
  bool frame_due = false, successor_due = false;
  bigint kept_eflag = -1, kept_vflag = -1;
  bool tallied_by_us = false;
};
std::vector<Loop *> running;
double clock_time = 0.0;    // time integrated so far, by our own count
int64_t commands = 0, loop_count = 0;
bool rebuilt = false;
std::string last_settings;
int64_t last_settings_at = -1;

double sum_energies(LAMMPS *lmp)
{
  Force *f = lmp->force;
  double e = 0.0;
  if (f->pair) e += f->pair->eng_vdwl + f->pair->eng_coul;
  if (f->bond) e += f->bond->energy;
  if (f->angle) e += f->angle->energy;
  if (f->dihedral) e += f->dihedral->energy;
  if (f->improper) e += f->improper->energy;
  if (f->kspace) e += f->kspace->energy;
  return e;
}

bool is_constraint(const Fix *fix)
{
  return strncmp(fix->style, "shake", 5) == 0 || strncmp(fix->style, "rattle", 6) == 0 || strncmp(fix->style, "rigid", 5) == 0;
}

void sum_virial(LAMMPS *lmp, double *virial)
{
  Force *f = lmp->force;
  const double *parts[] = {f->pair ? f->pair->virial : nullptr,         f->bond ? f->bond->virial : nullptr,
                           f->angle ? f->angle->virial : nullptr,       f->dihedral ? f->dihedral->virial : nullptr,
                           f->improper ? f->improper->virial : nullptr, f->kspace ? f->kspace->virial : nullptr};
  std::fill(virial, virial + 6, 0.0);
  for (const double *part : parts)
    for (int k = 0; part && k < 6; k++) virial[k] += part[k];
  for (int i = 0; i < lmp->modify->nfix; i++) {
    const Fix *fix = lmp->modify->fix[i];
    for (int k = 0; fix->virial_global_flag && is_constraint(fix) && k < 6; k++) virial[k] += fix->virial[k];
  }
}

bool energy_is_tallied(LAMMPS *lmp) { return lmp->update->eflag_global == lmp->update->ntimestep; }
bool virial_is_tallied(LAMMPS *lmp) { return lmp->update->vflag_global == lmp->update->ntimestep; }

double mass_of(const Atom *atom, int i) { return atom->rmass ? atom->rmass[i] : atom->mass ? atom->mass[atom->type[i]] : 0.0; }

void box_shape(const Domain *domain, double *h)
{
  for (int k = 0; k < 3; k++) h[k] = domain->prd[k];
  h[3] = domain->xy;
  h[4] = domain->xz;
  h[5] = domain->yz;
}

const double NOT_A_NUMBER = std::numeric_limits<double>::quiet_NaN();

// ---------------------------------------------------------------- writing samples and frames

void write_sample(const Loop &loop)
{
  auto *row = reinterpret_cast<SampleRow *>(reserve(header->samples_section, sizeof(SampleRow)));
  if (!row) return;
  LAMMPS *lmp = loop.lmp;
  Atom *atom = lmp->atom;
  *row = SampleRow{};
  row->loop = loop.index;
  row->step = lmp->update->ntimestep;
  row->natoms = atom->natoms;
  row->time = clock_time;
  row->potential_energy = energy_is_tallied(lmp) ? sum_energies(lmp) : NOT_A_NUMBER;
  if (virial_is_tallied(lmp)) sum_virial(lmp, row->virial);
  else std::fill(row->virial, row->virial + 6, NOT_A_NUMBER);
  box_shape(lmp->domain, row->h);
  for (int i = 0; i < atom->nlocal; i++) {
    if (!(atom->mask[i] & loop.integrate_bits)) continue;
    const double m = mass_of(atom, i), *v = atom->v[i];
    row->integrated++;
    row->mass += m;
    for (int k = 0; k < 3; k++) {
      row->momentum[k] += m * v[k];
      row->kinetic[k] += m * v[k] * v[k];
    }
    row->kinetic[3] += m * v[0] * v[1];
    row->kinetic[4] += m * v[0] * v[2];
    row->kinetic[5] += m * v[1] * v[2];
  }
  for (double &k : row->kinetic) k *= lmp->force->mvv2e;
}

struct FixEffects {
  bool can_act, known;
};

// whether fixes may have changed the forces since they were computed, and whether we hold them from before
FixEffects fix_effects(LAMMPS *lmp, int64_t kind)
{
  const Modify *modify = lmp->modify;
  const int acting[] = {modify->n_post_force_any, modify->n_post_force_respa_any, modify->n_min_post_force};
  const bool held = before_fixes.step == lmp->update->ntimestep && before_fixes.nlocal == lmp->atom->nlocal;
  return {acting[kind] > 0, acting[kind] > 0 && kind == VERLET && held};
}

uint64_t frame_bytes(int64_t natoms, bool applied) { return sizeof(FrameHeader) + natoms * (4 * 8 + (applied ? 12 : 9) * 8); }

void fill_frame(char *place, const Loop &loop, int64_t kind, const FixEffects &effects)
{
  LAMMPS *lmp = loop.lmp;
  Atom *atom = lmp->atom;
  const int n = atom->nlocal;
  auto *frame = reinterpret_cast<FrameHeader *>(place);
  *frame = FrameHeader{};
  frame->kind = kind;
  frame->loop = loop.index;
  frame->step = lmp->update->ntimestep;
  frame->natoms = n;
  frame->has_applied = effects.known;
  frame->clean = !effects.can_act || effects.known;
  frame->tallied = energy_is_tallied(lmp);
  frame->time = clock_time;
  frame->dt = lmp->update->dt;
  for (int k = 0; k < 3; k++) {
    frame->periodic[k] = lmp->domain->periodicity[k];
    frame->origin[k] = lmp->domain->boxlo[k];
  }
  box_shape(lmp->domain, frame->h);
  frame->potential_energy = energy_is_tallied(lmp) ? sum_energies(lmp) : NOT_A_NUMBER;
  frame->tail_energy = lmp->force->pair && lmp->force->pair->tail_flag ? lmp->force->pair->etail / (frame->h[0] * frame->h[1] * frame->h[2]) : 0.0;
  if (virial_is_tallied(lmp)) sum_virial(lmp, frame->virial);
  else std::fill(frame->virial, frame->virial + 6, NOT_A_NUMBER);

  auto *ints = reinterpret_cast<int64_t *>(frame + 1);
  auto *masses = reinterpret_cast<double *>(ints + 2 * n);
  auto *integrated = reinterpret_cast<int64_t *>(masses + n);
  auto *x = reinterpret_cast<double *>(integrated + n);
  double *v = x + 3 * size_t(n), *f = v + 3 * size_t(n), *applied = f + 3 * size_t(n);
  for (int i = 0; i < n; i++) {
    ints[i] = atom->tag_enable ? atom->tag[i] : i + 1;
    ints[n + i] = atom->type[i];
    masses[i] = mass_of(atom, i);
    integrated[i] = (atom->mask[i] & loop.integrate_bits) != 0;
  }
  if (!n) return;
  const size_t bytes = 3 * size_t(n) * sizeof(double);
  memcpy(x, atom->x[0], bytes);
  memcpy(v, atom->v[0], bytes);
  memcpy(f, effects.known ? before_fixes.forces.data() : atom->f[0], bytes);
  for (int k = 0; effects.known && k < 3 * n; k++) applied[k] = atom->f[0][k] - f[k];
}

void write_frame(const Loop &loop, int64_t kind)
{
  const FixEffects effects = fix_effects(loop.lmp, loop.record->kind);
  char *place = reserve(header->frames_section, frame_bytes(loop.lmp->atom->nlocal, effects.known));
  if (place) fill_frame(place, loop, kind, effects);
}

// ---------------------------------------------------------------- the end state of the last loop, kept in one of two slots

FrameHeader *last_end()
{
  if (!header->final_slot) return nullptr;
  return reinterpret_cast<FrameHeader *>(memory_base + header->final_slots.at + (header->final_slot - 1) * header->final_slots.capacity);
}

void keep_end(const Loop &loop)
{
  const FixEffects effects = fix_effects(loop.lmp, loop.record->kind);
  if (frame_bytes(loop.lmp->atom->nlocal, effects.known) > header->final_slots.capacity) {
    header->final_slot = 0;
    header->final_slots.dropped++;
    return;
  }
  const uint64_t slot = header->final_slot == 1 ? 1 : 0;    // the slot that is not in use
  fill_frame(memory_base + header->final_slots.at + slot * header->final_slots.capacity, loop, END, effects);
  header->final_slot = slot + 1;
}

void copy_last_end_to_frames()
{
  FrameHeader *end = last_end();
  const uint64_t bytes = frame_bytes(end->natoms, end->has_applied);
  if (char *place = reserve(header->frames_section, bytes)) memcpy(place, end, bytes);
}

// ---------------------------------------------------------------- what changed since the last loop ended

void compare_with_last_end(LAMMPS *lmp, LoopRecord *record)
{
  const FrameHeader *end = last_end();
  Atom *atom = lmp->atom;
  Domain *domain = lmp->domain;
  const int64_t n = atom->nlocal;
  double h[6];
  box_shape(domain, h);
  if (!end) {
    record->edit = loop_count ? REBUILT : FIRST;
    return;
  }
  if (rebuilt) record->edit |= REBUILT;
  if (end->natoms != n) {
    record->edit |= NATOMS;
    return;
  }
  for (int k = 0; k < 6; k++) {
    if (k < 3 && !domain->periodicity[k]) continue;    // shrink-wrapped faces move by themselves
    if (std::abs(h[k] - end->h[k]) > 1e-12 * h[0]) record->edit |= CELL;
  }
  const auto *ids = reinterpret_cast<const int64_t *>(end + 1), *types = ids + n;
  const auto *masses = reinterpret_cast<const double *>(types + n);
  const auto *x = masses + 2 * n, *v = x + 3 * n;
  std::unordered_map<int64_t, int64_t> place;
  place.reserve(n);
  for (int64_t j = 0; j < n; j++) place[ids[j]] = j;
  double vmax = 0.0;
  for (int64_t i = 0; i < n; i++) {
    auto found = place.find(atom->tag_enable ? atom->tag[i] : i + 1);
    if (found == place.end()) {
      record->edit |= NATOMS;
      return;
    }
    const int64_t j = found->second;
    if (types[j] != atom->type[i]) record->edit |= TYPES;
    if (masses[j] != mass_of(atom, int(i))) record->edit |= MASSES;
    double d[3];
    for (int k = 0; k < 3; k++) {
      d[k] = atom->x[i][k] - x[3 * j + k];
      record->velocity = std::max(record->velocity, std::abs(atom->v[i][k] - v[3 * j + k]));
      vmax = std::max(vmax, std::abs(v[3 * j + k]));
    }
    domain->minimum_image(FLERR, d[0], d[1], d[2]);
    for (double dk : d) record->displaced = std::max(record->displaced, std::abs(dk));
  }
  if (record->displaced < 1e-9 * std::max({h[0], h[1], h[2]})) record->displaced = 0.0;    // wrapping rounds
  if (record->velocity < 1e-9 * vmax) record->velocity = 0.0;
}

// ---------------------------------------------------------------- what is in force during a loop

int64_t write_settings(LAMMPS *lmp)
{
  Force *f = lmp->force;
  char line[512];
  auto text = [](const char *s) { return s ? s : "none"; };
  bigint removed = 0;
  for (int i = 0; i < lmp->modify->nfix; i++)
    if (lmp->modify->fix[i]->dof_flag) removed += lmp->modify->fix[i]->dof(0);
  snprintf(line, sizeof line, "%s\t%d\t%s\t%s\t%s\t%.17g\t%.17g\t%.17g\t%.17g\t%ld\n", lmp->update->unit_style, lmp->domain->dimension, text(f->pair_style),
           text(f->kspace_style), text(lmp->atom->atom_style), f->boltz, f->mvv2e, f->ftm2v, f->nktv2p, long(removed));
  std::string settings = line;
  for (int i = 0; i < lmp->modify->nfix; i++) {
    Fix *fix = lmp->modify->fix[i];
    snprintf(line, sizeof line, "%s\t%s\t%ld\t%d\n", fix->id, fix->style, long(lmp->group->count(fix->igroup)), fix->time_integrate);
    settings += line;
  }
  if (settings == last_settings) return last_settings_at;
  const uint64_t bytes = settings.size() + 1;
  char *place = reserve(header->settings, bytes);
  if (!place) return -1;
  memcpy(place, settings.c_str(), bytes);
  last_settings = settings;
  last_settings_at = place - (memory_base + header->settings.at);
  return last_settings_at;
}

// ---------------------------------------------------------------- when to sample

// one step out of each stride, at random
void draw_next_sample(Loop &loop)
{
  loop.next_sample = loop.sample_number * loop.stride + 1 + int64_t(rng() % uint64_t(loop.stride));
  loop.frame_due = loop.sample_number % loop.frame_every == loop.frame_every / 2;
  loop.sample_number++;
}

// no loop may take more than a sixteenth of what is left, so that thousands of short ones still fit
void plan_samples(Loop &loop)
{
  const Section &rows = header->samples_section, &frames = header->frames_section;
  const int64_t rows_left = (rows.capacity - rows.used) / sizeof(SampleRow) / 16;
  const int64_t frames_left = (frames.capacity - frames.used) / 16 / frame_bytes(loop.lmp->atom->nlocal, true);
  const int64_t samples = std::max<int64_t>(1, std::min<int64_t>({int64_t(header->samples), rows_left, loop.requested}));
  const int64_t wanted = std::max<int64_t>(1, std::min<int64_t>(header->frames, frames_left));
  loop.stride = std::max<int64_t>(1, (loop.requested + samples - 1) / samples);
  loop.frame_every = std::max<int64_t>(1, (samples + wanted - 1) / wanted);
  loop.pairs_left = int(header->pairs);
  draw_next_sample(loop);
}

bool is_last(const Loop &loop) { return loop.begun == loop.requested; }

// the state is complete: the step that began last has ended
void finish_step(Loop &loop)
{
  loop.record->steps = loop.begun;
  loop.record->duration += loop.dt;
  clock_time += loop.dt;
  if (loop.successor_due) {
    write_frame(loop, SUCCESSOR);
    loop.successor_due = false;
  }
  if (loop.begun == loop.next_sample) {
    write_sample(loop);
    if (loop.frame_due) {
      write_frame(loop, SAMPLED);
      if (loop.pairs_left > 0 && !is_last(loop)) {
        loop.successor_due = true;
        loop.pairs_left--;
      }
    }
    draw_next_sample(loop);
  }
  if (loop.tallied_by_us) {    // leave no trace of our tally: LAMMPS raises an error where it tallied nothing itself
    loop.lmp->update->eflag_global = loop.kept_eflag;
    loop.lmp->update->vflag_global = loop.kept_vflag;
    loop.tallied_by_us = false;
  }
}

void begin_step(Loop &loop)
{
  loop.begun++;
  loop.dt = loop.lmp->update->dt;
  loop.record->dt_min = std::min(loop.record->dt_min, loop.dt);
  loop.record->dt_max = std::max(loop.record->dt_max, loop.dt);
}

void request_tally(IntegrateFlags *integrate)
{
  integrate->eflag |= ENERGY_GLOBAL;
  if (!(integrate->vflag & (VIRIAL_PAIR | VIRIAL_FDOTR))) integrate->vflag |= integrate->virial_style;
  integrate->update->eflag_global = integrate->update->vflag_global = integrate->update->ntimestep;
}

// ---------------------------------------------------------------- the functions of LAMMPS that we stand in for

void *real(const char *symbol)
{
  static void *library = dlopen("liblammps.so.0", RTLD_NOW | RTLD_NOLOAD);
  void *found = library ? dlsym(library, symbol) : nullptr;
  if (!found) {
    fprintf(stderr, "recorder: this LAMMPS has no %s\n", symbol);
    _exit(97);
  }
  return found;
}

template <class F> F real_as(const char *symbol) { return reinterpret_cast<F>(real(symbol)); }

void open_loop(Loop &loop, LoopRecord *record, int kind, int n)
{
  LAMMPS *lmp = loop.lmp;
  *record = LoopRecord{};
  record->kind = kind;
  record->requested = n;
  record->nested = int64_t(running.size());
  record->command = commands - 1;
  record->line = header->line;
  record->time = clock_time;
  record->dt_min = std::numeric_limits<double>::infinity();
  record->settings = write_settings(lmp);
  for (int i = 0; i < lmp->modify->nfix; i++)
    if (lmp->modify->fix[i]->time_integrate) loop.integrate_bits |= lmp->modify->fix[i]->groupbit;
  compare_with_last_end(lmp, record);
  rebuilt = false;
  if (record->edit || record->displaced > 0.0 || record->velocity > 0.0) {
    if (last_end()) copy_last_end_to_frames();
    write_frame(loop, BEGIN);
  }
}

void run_loop(void *object, int n, int kind, const char *symbol)
{
  auto original = real_as<void (*)(void *, int)>(symbol);
  LAMMPS *lmp = lammps_of(object);
  LoopRecord overflow, *record = nullptr;
  if (header) record = reinterpret_cast<LoopRecord *>(reserve(header->loops, sizeof(LoopRecord)));
  if (!header) return original(object, n);
  if (!record) record = &overflow;
  Loop loop{lmp, record, loop_count};
  loop.requested = n;
  open_loop(loop, record, kind, n);
  loop_count++;
  if (kind != MINIMISER) plan_samples(loop);
  const bigint first = lmp->update->ntimestep;
  running.push_back(&loop);
  try {
    original(object, n);
  } catch (...) {
    running.pop_back();
    throw;
  }
  running.pop_back();
  if (kind == MINIMISER) {
    record->steps = lmp->update->ntimestep - first;
  } else if (loop.begun) {
    finish_step(loop);
  }
  if (kind == MINIMISER || n == 0) write_sample(loop);
  if (kind == MINIMISER) write_frame(loop, END);
  record->completed = 1;
  keep_end(loop);
}

bool is_forbidden(Input *input, std::string &pattern)
{
  const char *style = nullptr;
  const std::string command = input->command;
  const bool third = command == "fix" || command == "compute" || command == "dump";
  if (third && input->narg > 2) style = input->arg[2];
  else if (command == "variable" && input->narg > 1) style = input->arg[1];
  else if (!third && input->narg > 0) style = input->arg[0];
  for (const char *line = header->forbidden; *line;) {
    const char *end = strchrnul(line, '\n');
    pattern.assign(line, end);
    const size_t blank = pattern.find(' ');
    if (pattern.substr(0, blank) == command) {
      if (blank == std::string::npos) return true;
      if (style && fnmatch(pattern.c_str() + blank + 1, style, 0) == 0) return true;
    }
    line = *end ? end + 1 : end;
  }
  return false;
}

void trace(Input *input)
{
  commands++;
  const size_t most = 16384;
  size_t bytes = 16 + strnlen(input->command, most) + 1;
  int words = 0;
  for (; words < input->narg && bytes < most; words++) bytes += strnlen(input->arg[words], most) + 1;
  char *place = reserve(header->trace, bytes);
  if (!place) return;
  reinterpret_cast<int64_t *>(place)[0] = header->line;
  reinterpret_cast<int64_t *>(place)[1] = int64_t(bytes - 16);
  char *out = place + 16;
  auto put = [&out](const char *word) {
    const size_t length = strnlen(word, most);
    memcpy(out, word, length);
    out[length] = '\0';
    out += length + 1;
  };
  put(input->command);
  for (int i = 0; i < words; i++) put(input->arg[i]);
}

// numbers of a pair_coeff command, multiplied as the counterfactual world wants it; the strings live as long as the command
void scale_coefficients(Input *input, std::vector<std::string> &kept)
{
  const char *style = input->lmp->force->pair_style;
  int first = 2;
  if (style && strncmp(style, "hybrid", 6) == 0 && input->narg > 2) style = input->arg[first++];
  for (uint64_t r = 0; style && r < header->nrules; r++) {
    const CoeffRule &rule = header->rules[r];
    if (strncmp(style, rule.style, strlen(rule.style)) != 0) continue;
    for (uint64_t k = 0; k < rule.count; k++) {
      const int at = first + int(rule.position[k]) - 1;
      if (at >= input->narg) continue;
      char *end;
      const double value = strtod(input->arg[at], &end);
      if (end == input->arg[at] || *end) continue;
      char number[40];
      snprintf(number, sizeof number, "%.17g", value * rule.factor[k]);
      kept.emplace_back(number);
      input->arg[at] = kept.back().data();
    }
  }
}

}    // namespace

// attach to evidence memory laid out by the harness; `path` is the user's script. Returns 0, or 1 if the layouts differ.
EXPORT int mdeb_attach(void *base, const char *path)
{
  auto *given = static_cast<Header *>(base);
  if (given->magic != MAGIC) return 1;
  header = given;
  memory_base = static_cast<char *>(base);
  rng.seed(header->seed);
  header->seed = 0;
  script.index(path);
  running.clear();
  clock_time = 0.0;
  commands = loop_count = 0;
  rebuilt = false;
  last_settings.clear();
  last_settings_at = -1;
  header->attached = 1;
  return 0;
}

EXPORT uint64_t mdeb_header_bytes() { return sizeof(Header); }

#define STAND_IN(result, name, symbol, ...) \
  EXPORT result name(__VA_ARGS__) __asm__(symbol); \
  EXPORT result name(__VA_ARGS__)

STAND_IN(void, verlet_run, "_ZN9LAMMPS_NS6Verlet3runEi", void *self, int n) { run_loop(self, n, VERLET, "_ZN9LAMMPS_NS6Verlet3runEi"); }
STAND_IN(void, split_run, "_ZN9LAMMPS_NS11VerletSplit3runEi", void *self, int n) { run_loop(self, n, VERLET, "_ZN9LAMMPS_NS11VerletSplit3runEi"); }
STAND_IN(void, respa_run, "_ZN9LAMMPS_NS5Respa3runEi", void *self, int n) { run_loop(self, n, RESPA, "_ZN9LAMMPS_NS5Respa3runEi"); }
STAND_IN(void, min_run, "_ZN9LAMMPS_NS3Min3runEi", void *self, int n) { run_loop(self, n, MINIMISER, "_ZN9LAMMPS_NS3Min3runEi"); }

// called by every integrator exactly once at the start of a step, and once in set-up
STAND_IN(void, integrate_ev_set, "_ZN9LAMMPS_NS9Integrate6ev_setEl", void *self, bigint step)
{
  static auto original = real_as<void (*)(void *, bigint)>("_ZN9LAMMPS_NS9Integrate6ev_setEl");
  LAMMPS *lmp = lammps_of(self);
  const bool in_loop = header && !running.empty() && running.back()->record->kind != MINIMISER && !lmp->update->setupflag;
  if (in_loop && running.back()->begun) {
    lmp->update->ntimestep--;    // the state is still that of the step before
    finish_step(*running.back());
    lmp->update->ntimestep++;
  }
  original(self, step);
  if (!header) return;
  auto *integrate = static_cast<IntegrateFlags *>(self);
  if (!in_loop) return request_tally(integrate);
  Loop &loop = *running.back();
  begin_step(loop);
  if (loop.begun == loop.next_sample) {
    loop.kept_eflag = lmp->update->eflag_global;
    loop.kept_vflag = lmp->update->vflag_global;
    loop.tallied_by_us = true;
    request_tally(integrate);
  }
}

STAND_IN(void, min_ev_set, "_ZN9LAMMPS_NS3Min6ev_setEl", void *self, bigint step)
{
  static auto original = real_as<void (*)(void *, bigint)>("_ZN9LAMMPS_NS3Min6ev_setEl");
  original(self, step);
  if (header && !running.empty() && running.back()->record->kind == MINIMISER)
    running.back()->record->steps = lammps_of(self)->update->ntimestep - lammps_of(self)->update->firststep;
}

STAND_IN(void, modify_setup, "_ZN9LAMMPS_NS6Modify5setupEi", void *self, int vflag)
{
  static auto original = real_as<void (*)(void *, int)>("_ZN9LAMMPS_NS6Modify5setupEi");
  if (header && lammps_of(self)->modify->n_post_force_any) before_fixes.take(lammps_of(self));
  original(self, vflag);
}

STAND_IN(void, modify_post_force, "_ZN9LAMMPS_NS6Modify10post_forceEi", void *self, int vflag)
{
  static auto original = real_as<void (*)(void *, int)>("_ZN9LAMMPS_NS6Modify10post_forceEi");
  if (header && !running.empty()) {
    const Loop &loop = *running.back();
    if (loop.begun == loop.next_sample || loop.successor_due || is_last(loop)) before_fixes.take(loop.lmp);
  }
  original(self, vflag);
}

STAND_IN(void, input_parse, "_ZN9LAMMPS_NS5Input5parseEv", void *self)
{
  static auto original = real_as<void (*)(void *)>("_ZN9LAMMPS_NS5Input5parseEv");
  if (header) {
    auto *input = static_cast<Input *>(self);
    const int64_t line = script.line(input->infile);
    if (line) header->line = line;
  }
  original(self);
}

STAND_IN(int, input_execute, "_ZN9LAMMPS_NS5Input15execute_commandEv", void *self)
{
  static auto original = real_as<int (*)(void *)>("_ZN9LAMMPS_NS5Input15execute_commandEv");
  auto *input = static_cast<Input *>(self);
  if (!header) return original(self);
  trace(input);
  std::string pattern;
  if (is_forbidden(input, pattern)) input->error->all("recorder.cpp", __LINE__, "The command '" + pattern + "' is not allowed in this harness");
  const std::string command = input->command;
  if (command == "clear" || command == "read_restart" || command == "read_data" || command == "create_box") rebuilt = true;
  std::vector<std::string> kept;
  kept.reserve(MAX_RULES * MAX_FACTORS);
  if (command == "pair_coeff" && header->nrules) scale_coefficients(input, kept);
  return original(self);
}

STAND_IN(void, input_quit, "_ZN9LAMMPS_NS5Input4quitEv", void *self)
{
  static auto original = real_as<void (*)(void *)>("_ZN9LAMMPS_NS5Input4quitEv");
  auto *input = static_cast<Input *>(self);
  if (header) {
    header->quit_called = 1;
    header->quit_status = input->narg ? atoi(input->arg[0]) : 0;
    fflush(nullptr);
    _exit(int(header->quit_status));    // MPI was initialised before the fork: it must not be finalised here
  }
  original(self);
}
