# Runs the processes of one control plane and outlives whoever asked for them.
#
#   sh -c "$(cat supervisor.sh)" supervisor FOLDER
#
# Standard input is a pipe from the test process. A line `start NAME` runs FOLDER/NAME.run.
# When the pipe closes, for whatever reason, every process is killed, reaped, and FOLDER
# is removed. The folder is made here, so that nobody can die between making and watching it.
trap '' HUP INT QUIT TERM
folder=$1
mkdir -m 700 "$folder" || exit 1
: >"$folder/supervisor.up"
names=

# The waiting shell is the parent: a process that ends by itself is reaped at once, and its
# status is in NAME.exit. (`kill -0` of an unreaped process would say that it lives.)
run() {
    sh "$folder/$1.run" >>"$folder/$1.log" 2>&1 &
    child=$!
    echo "$child" >"$folder/$1.pid.new"
    mv "$folder/$1.pid.new" "$folder/$1.pid"
    wait "$child"
    echo "$?" >"$folder/$1.exit.new"
    mv "$folder/$1.exit.new" "$folder/$1.exit"
}

while read -r verb name; do
    [ "$verb" = start ] || continue
    run "$name" </dev/null &
    # The pid is known before the next line is read: whatever was started will be killed.
    tries=0
    while [ ! -e "$folder/$name.pid" ] && [ "$tries" -lt 1000 ]; do
        tries=$((tries + 1))
        sleep 0.01
    done
    read -r pid <"$folder/$name.pid" && names="$names $name:$pid"
done

for entry in $names; do
    [ -e "$folder/${entry%%:*}.exit" ] || kill -KILL "${entry##*:}" 2>/dev/null
done
wait
# What a component had started itself, such as a command that kwok runs for an exec, is in this process group as well.
trap '' USR1
kill -USR1 0 2>/dev/null
rm -rf "$folder"
