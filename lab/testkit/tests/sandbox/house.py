"""What a person has running: a process with secrets, sockets, shared memory, a keyring.

It prints one line of JSON that says where all this is, and stays until its input ends. Its arguments: the canary, and a
folder of the person's own.
"""

import array, ctypes, json, os, socket, sys

canary, home = sys.argv[1], sys.argv[2]
libc = ctypes.CDLL(None, use_errno=True)
held = ctypes.create_string_buffer(canary.encode())


def call(number, *arguments):
    arguments = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = libc.syscall(ctypes.c_long(number), *arguments)
    if result == -1:
        raise OSError(ctypes.get_errno(), f"system call {number}")
    return result


def listen(family, kind, address):
    found = socket.socket(family, kind)
    found.bind(address)
    if kind == socket.SOCK_STREAM:
        found.listen(64)
    return found


descriptor = os.open(home + "/secret", os.O_RDWR | os.O_CREAT, 0o600)
os.write(descriptor, canary.encode())
key = 0x44000000 + os.getpid()
segment = call(29, key, 4096, 0o1600)
libc.shmat.restype = ctypes.c_void_p
ctypes.memmove(libc.shmat(segment, None, 0), canary.encode(), len(canary))
call(68, key, 0o1600)
queue = f"house-{os.getpid()}"
call(240, ctypes.c_char_p(queue.encode()), 0o102, 0o600, 0)
call(248, ctypes.c_char_p(b"user"), ctypes.c_char_p(queue.encode()), ctypes.c_char_p(canary.encode()), len(canary), -4)
shm_file = f"/dev/shm/{queue}"
with open(shm_file, "w") as file:
    file.write(canary)

tcp, tcp6 = listen(2, 1, ("0.0.0.0", 0)), listen(10, 1, ("::1", 0))
udp = listen(2, 2, ("127.0.0.1", 0))
listening = [listen(1, 1, home + "/bus"), listen(1, 1, sys.argv[3] + "/socket"), listen(1, 1, "\0" + queue)]
# A name of this machine that is not loopback's, if it has one: no packet is sent.
probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try:
    probe.connect(("192.0.2.1", 9))
    own_address = probe.getsockname()[0]
except OSError:
    own_address = "127.0.0.1"

print(json.dumps({
    "victim": os.getpid(), "address": ctypes.addressof(held), "victim_descriptor": descriptor,
    "tcp": tcp.getsockname()[1], "tcp6": tcp6.getsockname()[1], "udp": udp.getsockname()[1],
    "own_address": own_address, "bus": home + "/bus", "shared_socket": sys.argv[3] + "/socket", "abstract": queue,
    "shm_key": key, "msg_key": key, "queue": queue, "keyring": queue, "shm_file": shm_file,
}), flush=True)
sys.stdin.read()
call(71, call(68, key, 0), 0, 0)
libc.shmctl(segment, 0, None)
call(241, ctypes.c_char_p(queue.encode()))
os.remove(shm_file)
