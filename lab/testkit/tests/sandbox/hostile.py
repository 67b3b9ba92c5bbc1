"""A server that steals what it can reach and breaks out where it can. The suite `sandbox` runs it bare and sandboxed.

Its argument is JSON: where the canaries are. It prints one JSON object: for each attempt null if it succeeded, else why
not. In Python, because ctypes reaches every system call; the numbers are those of x86-64.
"""

import array, ctypes, fcntl, json, mmap, os, resource, select, signal, socket, struct, subprocess, sys, time

FACTS = json.loads(sys.argv[1])
CANARY = FACTS["canary"]
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
ATTEMPTS = {}


def attempt(function):
    ATTEMPTS[function.__name__] = function
    return function


def call(number, *arguments):
    """A system call by number; an OSError if it fails."""
    arguments = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = libc.syscall(ctypes.c_long(number), *arguments)
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def stolen(data):
    if isinstance(data, str):
        data = data.encode()
    if CANARY.encode() not in data:
        raise AssertionError("the canary is not in it")


def read(path, most=1 << 20):
    with open(path, "rb") as file:
        return file.read(most)


# Files

@attempt
def read_ssh_key():
    stolen(read(FACTS["key"]))

@attempt
def read_other_users_file():
    stolen(read(FACTS["other"]))

@attempt
def read_by_dotdot():
    stolen(read(os.path.dirname(__file__) + "/../home/.ssh/id_ed25519"))

@attempt
def read_by_symlink():
    link = FACTS["scratch"] + "/link"
    os.symlink(FACTS["key"], link)
    stolen(read(link))

@attempt
def read_by_hard_link():
    link = os.path.dirname(FACTS["key"]) + "/hard"
    os.link(FACTS["key"], link)
    stolen(read(link))

@attempt
def read_by_root_of_process():
    stolen(read(f"/proc/{FACTS['victim']}/root{FACTS['key']}"))

@attempt
def read_by_folder_of_process():
    stolen(read(f"/proc/{FACTS['victim']}/cwd/.ssh/id_ed25519"))

@attempt
def read_own_root_of_init():
    stolen(read(f"/proc/1/root{FACTS['key']}"))

@attempt
def read_passwords_file():
    if b"root:" not in read("/etc/passwd"):
        raise AssertionError("nobody of the machine is in it")

@attempt
def read_machine_id():
    read(FACTS["machine_id"])

@attempt
def list_home():
    os.listdir(FACTS["home"])

@attempt
def read_shared_tmp():
    stolen(read(FACTS["tmp_file"]))

@attempt
def read_shared_memory_file():
    stolen(read(FACTS["shm_file"]))

@attempt
def write_shell_startup():
    with open(FACTS["home"] + "/.bashrc", "a") as file:
        file.write("export LD_PRELOAD=/tmp/evil.so\n")

@attempt
def write_door_config():
    with open(FACTS["config"], "a") as file:
        file.write("# owned\n")

@attempt
def write_own_program():
    with open(__file__, "a") as file:
        file.write("# owned\n")

@attempt
def replace_own_program():
    new = __file__ + ".new"
    with open(new, "w") as file:
        file.write("# owned\n")
    os.remove(new)

@attempt
def ten_gigabytes():
    path = FACTS["scratch"] + "/large"
    with open(path, "wb") as file:
        file.truncate(10 << 30)
    os.remove(path)

@attempt
def setuid_program():
    seen = subprocess.run([FACTS["setuid"], "-u"], capture_output=True, text=True)
    if seen.stdout.strip() != "0":
        raise AssertionError("not root: " + (seen.stdout + seen.stderr).strip())

@attempt
def open_by_handle():
    handle = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128))
    where = ctypes.c_int()
    call(303, -100, ctypes.c_char_p(FACTS["home"].encode()), handle, ctypes.byref(where), 0)

@attempt
def inherited_descriptor():
    stolen(os.pread(FACTS["descriptor"], 4096, 0))

@attempt
def secret_in_environment():
    os.environ[FACTS["variable"]]


# Processes

@attempt
def see_processes():
    stolen(read(f"/proc/{FACTS['victim']}/cmdline"))

@attempt
def environment_of_process():
    stolen(read(f"/proc/{FACTS['victim']}/environ"))

@attempt
def memory_of_process():
    with open(f"/proc/{FACTS['victim']}/mem", "rb") as file:
        file.seek(FACTS["address"])
        stolen(file.read(len(CANARY)))

@attempt
def descriptor_of_process():
    stolen(read(f"/proc/{FACTS['victim']}/fd/{FACTS['victim_descriptor']}"))

@attempt
def ptrace_attach():
    call(101, 16, FACTS["victim"], 0, 0)
    os.waitpid(FACTS["victim"], 0)
    call(101, 17, FACTS["victim"], 0, 0)

def vectors(local, remote, length):
    make = lambda address: ctypes.create_string_buffer(struct.pack("PN", address, length))
    return make(local), make(remote)

@attempt
def process_vm_readv():
    buffer = ctypes.create_string_buffer(len(CANARY))
    local, remote = vectors(ctypes.addressof(buffer), FACTS["address"], len(CANARY))
    call(310, FACTS["victim"], local, 1, remote, 1, 0)
    stolen(buffer.raw)

@attempt
def process_vm_writev():
    buffer = ctypes.create_string_buffer(CANARY.encode())
    local, remote = vectors(ctypes.addressof(buffer), FACTS["address"], len(CANARY))
    call(311, FACTS["victim"], local, 1, remote, 1, 0)

@attempt
def pidfd_getfd():
    victim = call(434, FACTS["victim"], 0)
    stolen(os.pread(call(438, victim, FACTS["victim_descriptor"], 0), 4096, 0))

@attempt
def compare_processes():
    call(312, FACTS["victim"], FACTS["victim"], 0, 0, 0)

@attempt
def signal_process():
    os.kill(FACTS["victim"], 0)

@attempt
def signal_group():
    os.killpg(FACTS["victim"], 0)

@attempt
def signal_by_pidfd():
    call(424, call(434, FACTS["victim"], 0), 0, 0, 0)

@attempt
def limits_of_process():
    resource.prlimit(FACTS["victim"], resource.RLIMIT_CORE)

@attempt
def slow_process_down():
    os.setpriority(os.PRIO_PROCESS, FACTS["victim"], 5)

@attempt
def pin_process():
    os.sched_setaffinity(FACTS["victim"], {0})

@attempt
def score_of_process():
    with open(f"/proc/{FACTS['victim']}/oom_score_adj", "w") as file:
        file.write("1000")

@attempt
def fork_bomb():
    ids = []
    try:
        for _ in range(400):
            child = os.fork()
            if child == 0:
                time.sleep(600)
                os._exit(0)
            ids.append(child)
    finally:
        for child in ids:
            os.kill(child, signal.SIGKILL)
        for child in ids:
            os.waitpid(child, 0)


# The network

def connect(family, kind, address):
    with socket.socket(family, kind) as found:
        found.settimeout(3)
        found.connect(address)

@attempt
def tcp_loopback():
    connect(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", FACTS["tcp"]))

@attempt
def tcp_loopback_by_other_address():
    connect(socket.AF_INET, socket.SOCK_STREAM, ("127.9.9.9", FACTS["tcp"]))

@attempt
def tcp_of_this_machine():
    connect(socket.AF_INET, socket.SOCK_STREAM, (FACTS["own_address"], FACTS["tcp"]))

@attempt
def tcp_ipv6_loopback():
    connect(socket.AF_INET6, socket.SOCK_STREAM, ("::1", FACTS["tcp6"]))

@attempt
def tcp_metadata_service():
    connect(socket.AF_INET, socket.SOCK_STREAM, ("169.254.169.254", 80))

@attempt
def udp_send():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.sendto(CANARY.encode(), ("127.0.0.1", FACTS["udp"]))

@attempt
def dns_question():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        question = struct.pack(">HHHHHH", 7, 256, 1, 0, 0, 0) + b"\x06stolen\x07example\0" + struct.pack(">HH", 1, 1)
        found.sendto(question, ("127.0.0.1", FACTS["udp"]))

@attempt
def listen_on_all_addresses():
    with socket.socket() as found:
        found.bind(("0.0.0.0", 0))
        found.listen()

@attempt
def netlink_interfaces():
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as found:
        found.bind((0, 0))

@attempt
def raw_socket():
    socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).close()

@attempt
def raw_socket_in_user_namespace():
    call(272, 0x50000000)
    socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).close()

@attempt
def packet_socket_in_user_namespace():
    call(272, 0x50000000)
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()

@attempt
def vsock():
    socket.socket(40, socket.SOCK_STREAM).close()

@attempt
def crypto_socket():
    socket.socket(38, socket.SOCK_SEQPACKET).close()

@attempt
def session_bus():
    connect(socket.AF_UNIX, socket.SOCK_STREAM, FACTS["bus"])

@attempt
def socket_in_shared_folder():
    connect(socket.AF_UNIX, socket.SOCK_STREAM, FACTS["shared_socket"])

@attempt
def abstract_socket():
    connect(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + FACTS["abstract"])


# Messages between processes

@attempt
def system_v_memory():
    shmat = libc.shmat
    shmat.restype = ctypes.c_void_p
    where = shmat(call(29, FACTS["shm_key"], 0, 0), None, 0o10000)
    if where in (None, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), "shmat")
    stolen(ctypes.string_at(where, len(CANARY)))

@attempt
def system_v_queue():
    call(68, FACTS["msg_key"], 0)

@attempt
def posix_queue():
    call(240, ctypes.c_char_p(FACTS["queue"].encode()), 0, 0, 0)


# The kernel

@attempt
def read_keyring():
    key = call(250, 10, -4, ctypes.c_char_p(b"user"), ctypes.c_char_p(FACTS["keyring"].encode()), 0)
    buffer = ctypes.create_string_buffer(256)
    call(250, 11, key, buffer, 256)
    stolen(buffer.raw)

@attempt
def add_key():
    call(248, ctypes.c_char_p(b"user"), ctypes.c_char_p(b"evil"), ctypes.c_char_p(b"x"), 1, -4)

@attempt
def list_keys():
    stolen(read("/proc/keys").replace(FACTS["keyring"].encode(), CANARY.encode()))

@attempt
def user_namespace():
    call(272, 0x10000000)

@attempt
def user_namespace_by_clone():
    child = call(56, 0x10000000 | 17, 0, 0, 0, 0)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)

@attempt
def user_namespace_by_clone_with_high_bits():
    child = call(56, (0x10000000 | 17) | (1 << 40), 0, 0, 0, 0)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)

@attempt
def user_namespace_by_clone3():
    arguments = ctypes.create_string_buffer(struct.pack("11Q", 0x10000000, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0))
    child = call(435, arguments, 88)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)

@attempt
def mount_in_user_namespace():
    call(272, 0x10020000)
    call(165, ctypes.c_char_p(b"x"), ctypes.c_char_p(b"/tmp"), ctypes.c_char_p(b"tmpfs"), 0, 0)

@attempt
def mount():
    call(165, ctypes.c_char_p(b"x"), ctypes.c_char_p(b"/tmp"), ctypes.c_char_p(b"tmpfs"), 0, 0)

@attempt
def mount_by_new_calls():
    call(272, 0x10020000)
    call(430, ctypes.c_char_p(b"tmpfs"), 0)

@attempt
def pivot_root():
    call(155, ctypes.c_char_p(b"/"), ctypes.c_char_p(b"/"))

@attempt
def chroot_in_user_namespace():
    call(272, 0x10000000)
    os.chroot("/tmp")

@attempt
def host_name_in_user_namespace():
    call(272, 0x14000000)
    call(170, ctypes.c_char_p(b"evil"), 4)

@attempt
def enter_namespace_of_process():
    call(308, os.open(f"/proc/{FACTS['victim']}/ns/mnt", os.O_RDONLY), 0)

@attempt
def open_namespace_of_process():
    os.close(os.open(f"/proc/{FACTS['victim']}/ns/net", os.O_RDONLY))

@attempt
def io_uring():
    call(425, 4, ctypes.create_string_buffer(120))

@attempt
def userfaultfd():
    call(323, 1)

@attempt
def bpf():
    call(321, 0, ctypes.create_string_buffer(struct.pack("IIII", 2, 4, 4, 1) + bytes(112)), 128)

@attempt
def perf_events():
    # A software clock of this process, the kernel left out.
    event = struct.pack("IIQQQQQIIQQ", 1, 112, 0, 0, 0, 0, 1 << 5 | 1 << 6, 0, 0, 0, 0) + bytes(48)
    call(298, ctypes.create_string_buffer(event), 0, -1, -1, 0)

@attempt
def personality():
    call(135, 0x0040000)

@attempt
def memory_without_kernel():
    call(447, 0)

@attempt
def own_seccomp_listener():
    program = struct.pack("HBBI", 6, 0, 0, 0x7FFF0000)
    code = ctypes.create_string_buffer(program)
    filters = ctypes.create_string_buffer(struct.pack("H6xP", 1, ctypes.addressof(code)))
    libc.prctl(38, 1, 0, 0, 0)
    call(317, 1, 8, filters)

@attempt
def system_call_of_x32():
    call(0x40000000 + 39)

@attempt
def kernel_log():
    call(103, 3, ctypes.create_string_buffer(4096), 4096)

@attempt
def kernel_log_device():
    os.close(os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK))

@attempt
def physical_memory():
    read("/dev/mem", 16)

@attempt
def disk():
    read(FACTS["disk"], 16)

@attempt
def make_device():
    path = FACTS["scratch"] + "/device"
    os.mknod(path, 0o20666, os.makedev(1, 1))

@attempt
def terminal():
    os.close(os.open("/dev/ptmx", os.O_RDWR))

@attempt
def type_into_terminal():
    # On a terminal of its own: the call is the same for the one the door was started from.
    os.setsid()
    main, side = os.openpty()
    fcntl.ioctl(side, 0x540E, 0)
    fcntl.ioctl(side, 0x5412, b"x")

@attempt
def devices_of_the_machine():
    if not os.listdir("/sys/class"):
        raise AssertionError("nothing there")

@attempt
def core_pattern():
    with open("/proc/sys/kernel/core_pattern", "w") as file:
        file.write("|/tmp/evil")

@attempt
def own_sysctl():
    with open("/proc/sys/kernel/hostname", "w") as file:
        file.write("evil")

@attempt
def system_request():
    with open("/proc/sysrq-trigger", "r+b", buffering=0) as file:
        if os.path.samestat(os.fstat(file.fileno()), os.stat("/dev/null")):
            raise AssertionError("it is /dev/null")
        file.write(b"?")

@attempt
def control_group():
    os.mkdir("/sys/fs/cgroup/memory/evil")

@attempt
def leave_control_group():
    with open("/sys/fs/cgroup/memory/cgroup.procs", "w") as file:
        file.write(str(os.getpid()))

@attempt
def become_root():
    os.setuid(0)

@attempt
def raise_capabilities():
    header = ctypes.create_string_buffer(struct.pack("Ii", 0x20080522, 0))
    call(126, header, ctypes.create_string_buffer(b"\xff" * 24))

@attempt
def raise_limits():
    resource.setrlimit(resource.RLIMIT_NOFILE, (1 << 20, 1 << 20))

@attempt
def set_time():
    time.clock_settime(time.CLOCK_REALTIME, 0)

@attempt
def swap_on():
    call(167, ctypes.c_char_p(FACTS["scratch"].encode()), 0)

@attempt
def reboot():
    # Enables the key combination, which changes nothing if it succeeds.
    call(169, 0xFEE1DEAD, 672274793, 0x89ABCDEF, 0)

@attempt
def load_module():
    call(175, ctypes.create_string_buffer(4), 4, ctypes.c_char_p(b""))

@attempt
def load_kernel():
    call(246, 0, 0, 0, 0)

@attempt
def ports_of_the_machine():
    call(172, 3)

@attempt
def watch_all_files():
    call(300, 0x200, 0)

@attempt
def accounting():
    call(163, ctypes.c_char_p(b"/tmp/account"))


def one(function):
    """Runs an attempt in a process of its own, with ten seconds to succeed."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            function()
            said = b"+"
        except BaseException as error:
            said = f"{type(error).__name__}: {error}".encode()
        os.write(theirs, said)
        os._exit(0)
    os.close(theirs)
    said = os.read(ours, 4096) if select.select([ours], [], [], 10)[0] else b"no end"
    os.close(ours)
    os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    if said == b"+":
        return None
    return said.decode() or f"ended by signal {os.WTERMSIG(status)}"


print(json.dumps({name: one(function) for name, function in ATTEMPTS.items()}))
