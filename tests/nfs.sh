#!/bin/sh
# Trains sets of runs and single runs by two machines in one directory on a real NFS server: three virtual machines of QEMU with
# Debian's kernel, a server and the clients a and b, whose clocks are hours apart. Both start the same members at the same time;
# one is killed, suspended, or cut off from the server while it trains. Every model and table must be that of a single process on
# this machine.
#
#   tests/nfs.sh [BUILD [PROTOCOL...]]
#
#   BUILD     the folder of the programs, default build
#   PROTOCOL  v3 (mount -o vers=3), v4 (vers=4.2), or nolock (vers=3,nolock); default: all three, one after the other
#
# Needs Debian's qemu-system-x86, busybox-static, nfs-common, rpcbind and e2fsprogs. Kernel and server are downloaded with apt-get
# and unpacked in a temporary folder; nothing is installed, and no network or file system of this machine is touched.
#
# Environment:
#   ACCEL  of QEMU, default tcg: the processors are emulated, because many machines have no /dev/kvm that works; or kvm
#   LIMIT  seconds that one command in a machine may take, and its start, default 600
#   NICE   of QEMU's processes, default 10
#   SEED   chooses the delays, default the time
#   KEEP   if set, the temporary folder is kept, as after a failure
set -u

here=$(cd "$(dirname "$0")/.." && pwd)
BUILD=$(cd "${1:-$here/build}" && pwd) || exit 1
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- v3 v4 nolock
for protocol; do
    case $protocol in
    v3 | v4 | nolock) ;;
    *)
        echo "nfs.sh: $protocol: expected v3, v4 or nolock" >&2
        exit 1
        ;;
    esac
done
PATH=$PATH:/usr/sbin:/sbin
for program in qemu-system-x86_64 busybox mount.nfs rpc.statd rpcbind mkfs.ext4; do
    command -v "$program" >/dev/null || {
        echo "nfs.sh: $program: not found; install qemu-system-x86, busybox-static, nfs-common, rpcbind and e2fsprogs" >&2
        exit 77
    }
done
LIMIT=${LIMIT:-600}
SEED=${SEED:-$(date +%s)}
echo "nfs.sh: SEED=$SEED"

work=$(mktemp -d) || exit 1
cd "$work" || exit 1
leave() {
    code=$?
    trap - EXIT INT TERM
    for machine in server a b; do
        switch_off "$machine"
    done
    if [ "$code" -eq 0 ] && [ -z "${KEEP:-}" ]; then
        rm -rf "$work"
    else
        echo "nfs.sh: kept $work"
    fi
    exit "$code"
}
trap leave EXIT
trap 'exit 130' INT TERM

fail() {
    echo "FAILED: $1"
    exit 1
}

# draw N: sets drawn to a number from 0 to N - 1.
draw() {
    SEED=$(((SEED * 1103515245 + 12345) % 2147483648))
    drawn=$((SEED / 65536 % $1))
}

# --- the machines ------------------------------------------------------------------------------------------------------------

# unpack PACKAGE: downloads it, and unpacks it in the folder debian.
unpack() {
    apt-get download "$1" >apt.log 2>&1 || fail "apt-get download $1: $(tail -n 1 apt.log)"
    dpkg-deb -x "$1"_*.deb debian || fail "dpkg-deb $1"
}

# install_program FILE...: copies programs to root/bin, and their libraries.
install_program() {
    for file; do
        cp "$file" root/bin/ || fail "$file"
        ldd "$file" 2>/dev/null | grep -o '/[^ ]*' | while read -r library; do
            mkdir -p "root$(dirname "$library")"
            cp -L "$library" "root$library"
        done
    done
}

# install_modules NAME...: modules of the kernel, files or folders, and the list of all.
install_modules() {
    modules=$(echo debian/lib/modules/*)
    for name; do
        mkdir -p "root/lib/modules/$version/kernel/$(dirname "$name")"
        cp -r "$modules/kernel/$name" "root/lib/modules/$version/kernel/$name" || fail "module $name"
    done
    cp "$modules/modules.builtin" "$modules/modules.order" "root/lib/modules/$version/"
    find root/lib/modules -name '*.ko.xz' -exec busybox unxz {} +
    busybox depmod -b root "$version" || fail "depmod"
}

# What all machines do when they start. At last, a shell reads commands from a port.
write_init() {
    cat >root/init <<'END'
#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev/shm /tmp /run /nfs /sbin
/bin/busybox --install -s /bin
export XDG_CACHE_HOME=/nfs/cache # shared by a and b
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mkdir -p /dev/shm
mount -t tmpfs none /dev/shm
mkdir -p /run/rpcbind /var/lib/nfs/sm /var/lib/nfs/sm.bak /var/lib/nfs/v4recovery
echo /bin/modprobe >/proc/sys/kernel/modprobe
modprobe virtio_pci
modprobe virtio_blk
modprobe virtio_net
modprobe virtio_console
machine=$(sed 's/.*machine=\([a-z]*\).*/\1/' /proc/cmdline)
hostname "$machine"
ip link set lo up
case $machine in
server)
    ip addr add 10.0.1.1/24 dev eth0
    ip addr add 10.0.2.1/24 dev eth1
    ip link set eth0 up
    ip link set eth1 up
    ;;
a) ip addr add 10.0.1.2/24 dev eth0 ;;
b) ip addr add 10.0.2.2/24 dev eth0 ;;
esac
ip link set eth0 up
exec <>/dev/vport0p1 >&0 2>&1
echo "@0 0"
exec setsid sh
END
    chmod 755 root/init
}

make_root() {
    unpack nfs-kernel-server
    apt-get download linux-image-cloud-amd64 >apt.log 2>&1 || fail "apt-get download: $(tail -n 1 apt.log)"
    unpack "$(dpkg-deb -f linux-image-cloud-amd64_*.deb Depends | grep -o 'linux-image-[0-9][^ ,]*')"
    version=$(ls debian/lib/modules)
    mkdir -p root/bin root/etc
    install_program "$(command -v busybox)" "$(command -v mount.nfs)" "$(command -v rpc.statd)" "$(command -v rpcbind)" \
        debian/usr/sbin/exportfs debian/usr/sbin/rpc.mountd debian/usr/sbin/rpc.nfsd "$BUILD/cnntrain"
    mkdir -p root/sbin
    ln -s ../bin/mount.nfs root/sbin/mount.nfs
    install_modules fs/nfs fs/nfsd fs/lockd fs/nfs_common fs/netfs fs/fscache net/sunrpc net/dns_resolver drivers/virtio \
        drivers/block/virtio_blk.ko drivers/char/virtio_console.ko \
        drivers/net/virtio_net.ko drivers/net/net_failover.ko net/core/failover.ko
    cp /etc/netconfig /etc/rpc /etc/services /etc/protocols root/etc/
    ln -s /proc/self/mounts root/etc/mtab
    printf 'root:x:0:0::/:/bin/sh\n_rpc:x:104:65534::/run:/bin/sh\nstatd:x:105:65534::/var/lib/nfs:/bin/sh\n' >root/etc/passwd
    printf '10.0.1.2 a\n10.0.2.2 b\n127.0.0.1 localhost\n' >root/etc/hosts
    echo '/nfs *(rw,sync,no_root_squash,no_subtree_check,fsid=1)' >root/etc/exports
    cp -r data cfg.json sweep.json ./*.sums root/
    write_init
    (cd root && find . | busybox cpio -o -H newc 2>/dev/null) >initrd || fail "cpio"
}

# wire FROM TO CARD: a network card of FROM, whose cable ends at TO.
wire() {
    rm -f "$1-$2.socket"
    echo "-netdev dgram,id=$2,local.type=unix,local.path=$1-$2.socket,remote.type=unix,remote.path=$2-$1.socket \
        -device virtio-net-pci,netdev=$2,mac=52:54:00:00:0$3"
}

# switch_on MACHINE HOURS QEMU-OPTION...: HOURS: its clock is so far from this machine's.
switch_on() {
    machine=$1
    clock=$(date -u -d "$2 hours" +%Y-%m-%dT%H:%M:%S)
    shift 2
    rm -f "$machine.in" "$machine.out"
    mkfifo "$machine.in" "$machine.out"
    nice -n "${NICE:-10}" qemu-system-x86_64 -accel "${ACCEL:-tcg}" -cpu max -m 512 -nodefaults -no-user-config \
        -display none -no-reboot -rtc base="$clock" -kernel debian/boot/vmlinuz-* -initrd initrd \
        -append "console=ttyS0 quiet panic=-1 no_timer_check tsc=unstable mitigations=off machine=$machine" \
        -serial file:"$machine.console" \
        -chardev pipe,id=shell,path="$machine" -device virtio-serial-pci -device virtserialport,chardev=shell \
        -device virtio-rng-pci "$@" </dev/null >"$machine.qemu" 2>&1 &
    echo $! >"$machine.process"
    echo 0 >"$machine.number"
}
switch_off() {
    [ -f "$1.process" ] || return 0
    kill -KILL "$(cat "$1.process")" 2>/dev/null
    wait "$(cat "$1.process")" 2>/dev/null
    rm -f "$1.process"
}
# shellcheck disable=SC2046 # a list
switch_on_a() { switch_on a -3 $(wire a server 1:01); }
# shellcheck disable=SC2046
switch_on_b() { switch_on b +5 $(wire b server 2:01); }
# shellcheck disable=SC2046
switch_on_server() {
    switch_on server +0 $(wire server a 0:01) $(wire server b 0:02) \
        -drive file=disk,if=none,id=disk,format=raw,cache=unsafe -device virtio-blk-pci,drive=disk
}

# wait_for_shell MACHINE: until its shell reads; what is sent earlier would be lost.
wait_for_shell() {
    timeout "$LIMIT" sed '/^@0 0$/q' "$1.out" >"$1.answer" || fail "$1 has not started after $LIMIT s: $(tail -n 5 "$1.console")"
}

# on MACHINE COMMAND: prints what it prints there, and has its exit code. Each command has a number, which its last line repeats.
on() {
    number=$(($(cat "$1.number") + 1))
    echo "$number" >"$1.number"
    printf '(\n%s\n) 2>&1 </dev/null; echo "@%s $?"\n' "$2" "$number" | timeout "$LIMIT" tee "$1.in" >/dev/null
    timeout "$LIMIT" sed -u "/^@$number [0-9]*\$/q" "$1.out" >"$1.answer"
    answer=$(sed -n "\$s/^@$number //p" "$1.answer")
    grep -v '^@' "$1.answer"
    [ -n "$answer" ] || echo "no answer of $1 after $LIMIT s"
    return "${answer:-124}"
}

serve() {
    on server 'mount -t ext4 /dev/vda /nfs && chmod 1777 /nfs && cp -a /data /cfg.json /sweep.json /nfs/ && modprobe nfsd &&
        mount -t nfsd nfsd /proc/fs/nfsd && rpcbind && rpc.statd --no-notify && exportfs -ra &&
        rpc.nfsd --grace-time 10 2 && rpc.mountd' || fail "the server: $(tail -n 5 server.console)"
}

# mount_options: sets options to those of $protocol.
mount_options() {
    case $protocol in
    v3) options=vers=3 ;;
    v4) options=vers=4.2 ;;
    nolock) options=vers=3,nolock ;;
    esac
}

# connect MACHINE SERVER: mounts the server's folder with $options.
connect() {
    on "$1" "pidof rpcbind >/dev/null || { rpcbind && rpc.statd --no-notify; }
        modprobe nfs
        umount /nfs 2>/dev/null
        mount.nfs $2:/nfs /nfs -o $options && cd /nfs" || fail "$1: mount -o $options"
}

# --- what is trained ---------------------------------------------------------------------------------------------------------

"$BUILD/tests/make_images" data 200 12 12 1 1 || fail "make_images"
cat >cfg.json <<'END'
{
    "data": {"train": "data", "validation": 0.25},
    "image": {"width": 12, "height": 12, "channels": 1},
    "layers": [
        {"type": "conv", "filters": 8, "kernel": 3}, {"type": "relu"}, {"type": "maxpool", "size": 2}, {"type": "flatten"},
        {"type": "dense", "units": 1}, {"type": "sigmoid"}
    ],
    "train": {"epochs": 12, "batch_size": 8, "learning_rate": 0.003, "seed": 1},
    "output": "out"
}
END
echo '{"grid": {"train.learning_rate": [0.001, 0.003]}, "seeds": [1, 2]}' >sweep.json
train="cnntrain --config cfg.json --threads 1 --no-report"
for set in "--out run" "--folds 4 --out folds" "--sweep sweep.json --out sweep"; do
    # shellcheck disable=SC2086 # lists
    "$BUILD"/$train --no-cache --quiet $set || fail "cnntrain $set"
done
# The checksums of what has no times in it.
for name in run folds sweep; do
    find "$name" -type f \( -name model.bin -o -name last.bin -o -name predictions.csv -o -name split.csv \
        -o -name folds.csv -o -name members.csv -o -name config.json \) -exec sha256sum {} + >"$name.sums"
done
sha256sum folds/summary.json >>folds.sums
sha256sum sweep/summary.json >>sweep.sums

make_root
truncate -s 1G disk
mkfs.ext4 -q disk || fail "mkfs.ext4"
switch_on_server
switch_on_a
switch_on_b
for machine in server a b; do
    wait_for_shell "$machine"
done
serve

# same NAME: the directory has the bytes of the undisturbed one, and no files that do not belong there. Removes it.
same() {
    on server "cd /nfs && sha256sum -c -s /$1.sums && ls cache/* >/dev/null &&
        ! find . -name '*.tmp' -o -name '*.tmp.*' -o -name '.lock*' -o -name '.nfs*' -o -name failed.json | grep ." ||
        fail "$1: other bytes, or files that were left"
    on server "rm -r /nfs/$1"
    echo "passed: $options: $2: same bytes"
}

# --- at the same time -----------------------------------------------------------------------------------------------------

# one_of_two NAME: one run directory; the second machine is refused, and says by whom.
one_of_two() {
    on a "cd /nfs && $train --quiet --out run" >a.log &
    first=$!
    on b "cd /nfs && $train --quiet --out run" >b.log &
    second=$!
    wait $first
    codes=$?
    wait $second
    codes=$codes$?
    cat a.log b.log >both.log
    case $codes in
    02 | 20) ;;
    *) fail "$options: expected exit codes 0 and 2, got $codes: $(cat both.log)" ;;
    esac
    grep -Eq 'run: another run \(process [0-9]+ on [ab]\) is using this directory|expected an empty run directory' both.log ||
        fail "$options: expected a refusal that names process and machine: $(cat both.log)"
    same run "one run directory, both at once"
}

# members MACHINE DELAY SET: trains all four members.
members() {
    on "$1" "cd /nfs && sleep $2; for member in 1 2 3 4; do
        $train $3 --member \$member --resume; echo \"member \$member: exit code \$?\"; done" >"$1.log"
}

# all_members NAME SET: both machines train all members; each is trained once, and refused with a reason.
all_members() {
    draw 4
    members a "$drawn" "$2" &
    first=$!
    draw 4
    members b "$drawn" "$2" &
    wait $first $!
    cat a.log b.log >both.log
    ! grep 'exit code [^02]' both.log || fail "$options: $(cat both.log)"
    [ "$(grep -c 'exit code 2' both.log)" -eq "$(grep -Ec 'another run \(process [0-9]+ on [ab]\) is using this directory' both.log)" ] ||
        fail "$options: expected refusals that name process and machine: $(cat both.log)"
    [ "$(grep -c 'model of epoch' both.log)" -eq 4 ] || fail "$options: expected each member to be trained once: $(cat both.log)"
    refused=$(grep -c 'exit code 2' both.log)
    on b "cd /nfs && $train --quiet $2 --gather" || fail "$options: --gather"
    same "$1" "$1, all members on both ($refused refused)"
}

# --- one of them is gone --------------------------------------------------------------------------------------------------

# begin_on_a: starts a run, and returns when it has a checkpoint.
begin_on_a() {
    on a "cd /nfs; rm -f /tmp/code; ($train --quiet --out run >/tmp/log 2>&1; echo \$? >/tmp/code) &
        until [ -f /nfs/run/checkpoint.bin ]; do usleep 100000; done"
}

# end_of_a: waits for its end; sets code to its exit code, and a.log to what it said.
end_of_a() {
    # shellcheck disable=SC2016 # for the shell of a
    on a 'until [ -s /tmp/code ]; do sleep 1; done; cat /tmp/log; exit "$(cat /tmp/code)"' >a.log
    code=$?
}

# b_takes_over: b resumes the run at once, and finishes it.
b_takes_over() {
    start=$(date +%s)
    on b "cd /nfs && $train --out run --resume" >b.log || fail "$options: expected b to take over: $(cat b.log)"
    grep -q 'checking whether it is still running' b.log || fail "$options: expected a claim to be watched: $(cat b.log)"
    took=$(($(date +%s) - start))
}

# a_gave_up: a has noticed it, and has written nothing.
a_gave_up() {
    end_of_a
    [ "$code" -eq 2 ] || fail "$options: expected exit code 2, got $code: $(cat a.log)"
    grep -q "this run's claim on the directory is gone" a.log || fail "$options: expected a claim that is gone: $(cat a.log)"
}

killed() {
    begin_on_a
    switch_off a
    b_takes_over
    same run "a killed, b ended its run after $took s"
    switch_on_a
    wait_for_shell a
    connect a 10.0.1.1
}

suspended() {
    begin_on_a
    kill -STOP "$(cat a.process)"
    b_takes_over
    kill -CONT "$(cat a.process)"
    a_gave_up
    same run "a suspended, b ended its run after $took s"
}

cut_off() {
    begin_on_a
    on a 'ip link set eth0 down'
    b_takes_over
    on a 'ip link set eth0 up'
    a_gave_up
    same run "a cut off, b ended its run after $took s"
}

# --- a cache that is too small ----------------------------------------------------------------------------------------------

# b needs the room in the cache that a has mapped. a may be killed by SIGBUS then, and continues with --resume.
evicted() {
    begin_on_a
    on b "cd /nfs && $train --quiet image.width=11 --out other --cache-limit 40K && rm -r other" || fail "$options: b"
    end_of_a
    [ "$code" -eq 0 ] || on a "cd /nfs && $train --quiet --out run --resume" || fail "$options: --resume"
    same run "the cache emptied by b while a used it (exit code of a: $code)"
}

for protocol; do
    mount_options
    connect a 10.0.1.1
    connect b 10.0.2.1
    one_of_two
    killed
    all_members folds "--folds 4 --out folds"
    [ "$protocol" = v4 ] || suspended
    [ "$protocol" != nolock ] || continue
    all_members sweep "--sweep sweep.json --out sweep"
    evicted
    cut_off
done
echo "all tests passed"
