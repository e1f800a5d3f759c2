# shellcheck shell=bash disable=SC2207
# Completions of cnntrain. Generated from the program's tables by src/cli/reference.sh; do not edit.
_cnntrain() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    # for bash, "=" is a separate word
    if [[ $current == "=" ]]; then
        current=
    elif [[ $before == "=" ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    local IFS=$'\n' kind=
    local -a words=()
    case $before in
    --config | -c) kind=path words=() ;;
    --init) kind=folder words=() ;;
    --pretrained) kind=path words=() ;;
    --minutes) kind=words words=() ;;
    --out | -o) kind=folder words=() ;;
    --max-seconds) kind=words words=() ;;
    --folds) kind=words words=() ;;
    --sweep) kind=path words=() ;;
    --jobs | -j) kind=words words=() ;;
    --member) kind=words words=() ;;
    --cache-limit) kind=words words=() ;;
    --show-augmented) kind=words words=() ;;
    --threads | -t) kind=words words=() ;;
    --max-memory) kind=words words=() ;;
    data.train) kind=path ;;
    data.validation) kind=path ;;
    data.test) kind=path ;;
    data.bad_images) kind=words words=(fail skip) ;;
    data.duplicates) kind=words words=(drop error allow) ;;
    data.sampling) kind=words words=(all balanced) ;;
    image.resize) kind=words words=(stretch crop letterbox) ;;
    image.range) kind=words words=(full stretch) ;;
    image.alpha) kind=words words=(drop white black) ;;
    image.normalize) kind=words words=(unit standardize) ;;
    pretrained.file) kind=path ;;
    augment.flip_horizontal) kind=words words=(true false) ;;
    augment.flip_vertical) kind=words words=(true false) ;;
    train.optimizer) kind=words words=(sgd momentum adam adamw) ;;
    train.nesterov) kind=words words=(true false) ;;
    train.schedule) kind=words words=(constant step cosine one_cycle) ;;
    train.pos_weight) kind=words words=(balanced) ;;
    train.shuffle) kind=words words=(true false) ;;
    train.early_stopping.metric) kind=words words=(val_loss val_accuracy val_auc val_balanced_accuracy val_precision val_recall val_specificity val_f1 val_mcc val_average_precision val_brier val_ece) ;;
    train.early_stopping.restore) kind=words words=(true false) ;;
    train.threshold) kind=words words=(f1 youden) ;;
    train.calibrate) kind=words words=(true false) ;;
    output) kind=path ;;
    *)
        if [[ $current == -* ]]; then
            kind=words words=(--config --init --pretrained --minutes --out --resume --overwrite --tensorboard --max-seconds --folds --sweep --jobs --member --gather --no-report --no-cache --cache-limit --dry-run --check-data --check-gradients --trace --show-augmented --print-config --help-config --schema --verbose --threads --max-memory --quiet --help --version)
        else
            compopt -o nospace
            kind=words words=(
                data.train=
                data.validation=
                data.test=
                data.classes=
                data.bad_images=
                data.duplicates=
                data.sampling=
                image.width=
                image.height=
                image.channels=
                image.resize=
                image.range=
                image.alpha=
                image.normalize=
                image.max_megapixels=
                pretrained.file=
                pretrained.train=
                pretrained.learning_rate_factor=
                pretrained.variants=
                layers=
                augment.flip_horizontal=
                augment.flip_vertical=
                augment.shift=
                augment.rotate=
                augment.zoom=
                augment.shear=
                augment.brightness=
                augment.contrast=
                augment.saturation=
                augment.cutout=
                augment.noise=
                train.epochs=
                train.minutes=
                train.batch_size=
                train.optimizer=
                train.learning_rate=
                train.momentum=
                train.nesterov=
                train.beta1=
                train.beta2=
                train.epsilon=
                train.weight_decay=
                train.schedule=
                train.warmup_epochs=
                train.step_epochs=
                train.step_factor=
                train.clip_norm=
                train.label_smoothing=
                train.pos_weight=
                train.ema_decay=
                train.shuffle=
                train.seed=
                train.checkpoint_seconds=
                train.early_stopping.metric=
                train.early_stopping.patience=
                train.early_stopping.smoothing=
                train.early_stopping.restore=
                train.threshold=
                train.calibrate=
                output=)
        fi
        ;;
    esac
    case $kind in
    folder) compopt -o filenames; COMPREPLY=($(compgen -d -- "$current")) ;;
    path) compopt -o filenames; COMPREPLY=($(compgen -f -- "$current")) ;;
    words) COMPREPLY=($(compgen -W "${words[*]}" -- "$current")) ;;
    esac
}
complete -F _cnntrain cnntrain
