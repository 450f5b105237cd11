// The flight recorder: evidence taken inside LAMMPS, in the process that runs the script.
//
// This library is loaded before liblammps.so. The names below are those of LAMMPS functions, so that calls through
// LAMMPS's procedure linkage table and virtual tables come here first; each wrapper looks, then calls the real one.
// It issues no LAMMPS command, adds no fix or compute, and writes only to anonymous shared memory that the script
// has no name for. Steps to sample are drawn at random from a seed that the harness keeps to itself.
//
// It must be compiled against the headers of the very LAMMPS it runs with, with -fno-access-control.

#include "recorder_gzip.h"
#include "recorder_loop.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

// ---------------------------------------------------------------- the functions of LAMMPS that we stand in for

void *liblammps = nullptr;    // handle of dlopen

void *real(const char *symbol)
{
  void *found = liblammps ? dlsym(liblammps, symbol) : nullptr;
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
  if (header) record = reinterpret_cast<LoopRecord *>(room(header->loops, sizeof(LoopRecord)));
  if (!header) return original(object, n);
  Loop loop{lmp, record ? record : &overflow, loop_count};
  loop.requested = n;
  open_loop(loop, loop.record, kind, n);
  if (record) commit(header->loops, sizeof(LoopRecord));
  else record = &overflow;
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

// The first pattern that fits decides; one after a '!' is allowed.
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
    const bool allowed = *line == '!';
    pattern.assign(line + allowed, end);
    const size_t blank = pattern.find(' ');
    if (pattern.substr(0, blank) == command) {
      if (blank == std::string::npos) return !allowed;
      if (style && fnmatch(pattern.c_str() + blank + 1, style, 0) == 0) return !allowed;
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
  char *place = room(header->trace, bytes);
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
  commit(header->trace, bytes);
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

// no more threads than the job holds cores (0 is LAMMPS's word for "as OpenMP says", which would be one)
void limit_threads(Input *input, std::vector<std::string> &kept)
{
  if (input->narg < 2 || strcmp(input->arg[0], "omp") != 0) return;
  const long wanted = strtol(input->arg[1], nullptr, 10);
  if (wanted >= 0 && (wanted == 0 || wanted > long(header->threads))) {
    kept.push_back(std::to_string(header->threads));
    input->arg[1] = kept.back().data();
  }
}

// LAMMPS closes the stream with pclose, which glibc makes fclose for one that no program stands behind
FILE *open_compressed(const std::string &file, const char *mode, const char *symbol)
{
  static const Zlib zlib(liblammps);
  FILE *stream = header ? open_gzip(zlib, file, mode) : nullptr;
  return stream ? stream : real_as<FILE *(*)(const std::string &)>(symbol)(file);
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

// must be told, once, of the library that was loaded after this one, whatever its name is
EXPORT void mdeb_lammps(void *handle) { liblammps = handle; }

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
  LAMMPS *lmp = lammps_of(self);
  if (header && post_force_fixes(lmp->modify, 0)) forces_before_fixes.take(lmp, lmp->atom->f);
  state_before_end.step = -1;    // the forces are those of the state as it is
  original(self, vflag);
}

STAND_IN(void, modify_post_force, "_ZN9LAMMPS_NS6Modify10post_forceEi", void *self, int vflag)
{
  static auto original = real_as<void (*)(void *, int)>("_ZN9LAMMPS_NS6Modify10post_forceEi");
  if (to_be_written()) forces_before_fixes.take(lammps_of(self), lammps_of(self)->atom->f);
  original(self, vflag);
}

STAND_IN(void, modify_end_of_step, "_ZN9LAMMPS_NS6Modify11end_of_stepEv", void *self)
{
  static auto original = real_as<void (*)(void *)>("_ZN9LAMMPS_NS6Modify11end_of_stepEv");
  if (to_be_written()) state_before_end.take(lammps_of(self), lammps_of(self)->atom->x);
  original(self);
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
  kept.reserve(MAX_RULES * MAX_FACTORS + 1);
  if (command == "package") limit_threads(input, kept);
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

#if _GLIBCXX_USE_CXX11_ABI
#define STRING "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
#else
#define STRING "Ss"    // before GCC 5
#endif
#define COMPRESSED(verb) "_ZN9LAMMPS_NS8platform" verb "ERK" STRING

STAND_IN(FILE *, compressed_read, COMPRESSED("15compressed_read"), const std::string &file) { return open_compressed(file, "r", COMPRESSED("15compressed_read")); }
STAND_IN(FILE *, compressed_write, COMPRESSED("16compressed_write"), const std::string &file) { return open_compressed(file, "w", COMPRESSED("16compressed_write")); }
