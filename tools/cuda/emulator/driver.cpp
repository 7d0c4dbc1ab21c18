// The part of CUDA's driver interface that the library calls, for one device that is this processor.
//
// Memory of the device lies against a page that cannot be touched and holds NaN until it is written, so that reading beyond
// the end of an array or before anything was written shows.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>

#include "grid.h"

namespace {

enum Result { SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_FOUND = 500, INVALID_CONFIGURATION = 9 };
typedef unsigned long long Address;

struct Memory {
    char* pages;
    size_t length;
};
std::mutex memories_lock;
std::map<Address, Memory>& memories() {
    static auto* memories = new std::map<Address, Memory>;
    return *memories;
}

Result allocate(Address* address, size_t bytes) {
    if (bytes == 0) return INVALID_VALUE;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room = (bytes + page - 1) / page * page;
    void* pages = mmap(nullptr, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) return OUT_OF_MEMORY;
    char* start = static_cast<char*>(pages);
    mprotect(start + room, page, PROT_NONE);
    memset(start, 0xff, room);
    *address = reinterpret_cast<Address>(start + room - (bytes + 15) / 16 * 16);
    std::lock_guard<std::mutex> lock(memories_lock);
    memories()[*address] = {start, room + page};
    return SUCCESS;
}

Result release(Address address) {
    std::lock_guard<std::mutex> lock(memories_lock);
    auto found = memories().find(address);
    if (found == memories().end()) return INVALID_VALUE;
    munmap(found->second.pages, found->second.length);
    memories().erase(found);
    return SUCCESS;
}

char* at(Address address) { return reinterpret_cast<char*>(address); }
int something;

}  // namespace

extern "C" {

int cuInit(unsigned) { return SUCCESS; }
int cuDriverGetVersion(int* version) { *version = 13000; return SUCCESS; }
int cuDeviceGetCount(int* count) { *count = 1; return SUCCESS; }
int cuDeviceGet(int* device, int ordinal) { *device = 0; return ordinal == 0 ? SUCCESS : 101; }
int cuDeviceGetName(char* name, int length, int) { snprintf(name, length, "emulator"); return SUCCESS; }
int cuDeviceGetAttribute(int* value, int, int) { *value = 1; return SUCCESS; }
int cuDevicePrimaryCtxRetain(void** context, int) { *context = &something; return SUCCESS; }
int cuDevicePrimaryCtxRelease_v2(int) { return SUCCESS; }
int cuCtxSetCurrent(void*) { return SUCCESS; }
int cuCtxGetCurrent(void** context) { *context = &something; return SUCCESS; }
int cuCtxSynchronize() { return SUCCESS; }
int cuStreamCreate(void** stream, unsigned) { *stream = &something; return SUCCESS; }
int cuStreamSynchronize(void*) { return SUCCESS; }
int cuStreamDestroy_v2(void*) { return SUCCESS; }
int cuStreamWaitEvent(void*, void*, unsigned) { return SUCCESS; }
int cuStreamIsCapturing(void*, int* status) { *status = 0; return SUCCESS; }
int cuEventCreate(void** event, unsigned) { *event = &something; return SUCCESS; }
int cuEventRecord(void*, void*) { return SUCCESS; }
int cuEventSynchronize(void*) { return SUCCESS; }
int cuEventQuery(void*) { return SUCCESS; }
int cuEventDestroy_v2(void*) { return SUCCESS; }
int cuGetErrorName(int, const char** name) { *name = "an error of the emulator"; return SUCCESS; }
int cuGetErrorString(int, const char** text) { *text = "an error of the emulator"; return SUCCESS; }

int cuMemAlloc_v2(Address* address, size_t bytes) { return allocate(address, bytes); }
int cuMemAllocAsync(Address* address, size_t bytes, void*) { return allocate(address, bytes); }
int cuMemFree_v2(Address address) { return release(address); }
int cuMemFreeAsync(Address address, void*) { return release(address); }
int cuMemsetD8_v2(Address to, unsigned char value, size_t bytes) { memset(at(to), value, bytes); return SUCCESS; }
int cuMemsetD8Async(Address to, unsigned char value, size_t bytes, void*) { return cuMemsetD8_v2(to, value, bytes); }
int cuMemcpyHtoD_v2(Address to, const void* from, size_t bytes) { memcpy(at(to), from, bytes); return SUCCESS; }
int cuMemcpyHtoDAsync_v2(Address to, const void* from, size_t bytes, void*) { return cuMemcpyHtoD_v2(to, from, bytes); }
int cuMemcpyDtoH_v2(void* to, Address from, size_t bytes) { memcpy(to, at(from), bytes); return SUCCESS; }
int cuMemcpyDtoHAsync_v2(void* to, Address from, size_t bytes, void*) { return cuMemcpyDtoH_v2(to, from, bytes); }
int cuMemcpyDtoD_v2(Address to, Address from, size_t bytes) { memcpy(at(to), at(from), bytes); return SUCCESS; }
int cuMemcpyDtoDAsync_v2(Address to, Address from, size_t bytes, void*) { return cuMemcpyDtoD_v2(to, from, bytes); }

// Modules are all the same: kernels are found by name in this library.
int cuModuleLoadData(void** module, const void*) { *module = &something; return SUCCESS; }
int cuModuleUnload(void*) { return SUCCESS; }
int cuModuleGetFunction(void** function, void*, const char* name) {
    emulator::Call call = emulator::find_kernel(name);
    if (!call) fprintf(stderr, "emulator: there is no kernel %s\n", name);
    *function = reinterpret_cast<void*>(call);
    return call ? SUCCESS : NOT_FOUND;
}

int cuLaunchKernel(void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared,
                   void*, void** arguments, void**) {
    if (shared != 0) return INVALID_VALUE;
    bool ran = emulator::run_grid(reinterpret_cast<emulator::Call>(function), arguments, {gx, gy, gz}, {bx, by, bz});
    return ran ? SUCCESS : INVALID_CONFIGURATION;
}

}  // extern "C"
