#compdef cnntrain
# Completions of cnntrain. Generated from the program's tables by src/cli/reference.sh; do not edit.
_cnntrain_keys() {
    if compset -P '*='; then
    case ${IPREFIX%=} in
    data.train) _files ;;
    data.validation) _files ;;
    data.test) _files ;;
    data.bad_images) compadd -- fail skip ;;
    data.duplicates) compadd -- drop error allow ;;
    data.sampling) compadd -- all balanced ;;
    image.resize) compadd -- stretch crop letterbox ;;
    image.range) compadd -- full stretch ;;
    image.alpha) compadd -- drop white black ;;
    image.normalize) compadd -- unit standardize ;;
    pretrained.file) _files ;;
    augment.flip_horizontal) compadd -- true false ;;
    augment.flip_vertical) compadd -- true false ;;
    train.optimizer) compadd -- sgd momentum adam adamw ;;
    train.nesterov) compadd -- true false ;;
    train.schedule) compadd -- constant step cosine one_cycle ;;
    train.pos_weight) compadd -- balanced ;;
    train.shuffle) compadd -- true false ;;
    train.early_stopping.metric) compadd -- val_loss val_accuracy val_auc val_balanced_accuracy val_precision val_recall val_specificity val_f1 val_mcc val_average_precision val_brier val_ece ;;
    train.early_stopping.restore) compadd -- true false ;;
    train.threshold) compadd -- f1 youden ;;
    train.calibrate) compadd -- true false ;;
    output) _files ;;
        esac
    else
        compadd -S = -- \
            data.train \
            data.validation \
            data.test \
            data.classes \
            data.bad_images \
            data.duplicates \
            data.sampling \
            image.width \
            image.height \
            image.channels \
            image.resize \
            image.range \
            image.alpha \
            image.normalize \
            image.max_megapixels \
            pretrained.file \
            pretrained.train \
            pretrained.learning_rate_factor \
            pretrained.variants \
            layers \
            augment.flip_horizontal \
            augment.flip_vertical \
            augment.shift \
            augment.rotate \
            augment.zoom \
            augment.shear \
            augment.brightness \
            augment.contrast \
            augment.saturation \
            augment.cutout \
            augment.noise \
            train.epochs \
            train.minutes \
            train.batch_size \
            train.optimizer \
            train.learning_rate \
            train.momentum \
            train.nesterov \
            train.beta1 \
            train.beta2 \
            train.epsilon \
            train.weight_decay \
            train.schedule \
            train.warmup_epochs \
            train.step_epochs \
            train.step_factor \
            train.clip_norm \
            train.label_smoothing \
            train.pos_weight \
            train.ema_decay \
            train.shuffle \
            train.seed \
            train.checkpoint_seconds \
            train.early_stopping.metric \
            train.early_stopping.patience \
            train.early_stopping.smoothing \
            train.early_stopping.restore \
            train.threshold \
            train.calibrate \
            output
    fi
}
_cnntrain() {
    _arguments -s -S \
        '(-c --config)-c+[the config\: data, network and training (JSON)]:FILE:_files' \
        '(-c --config)--config=[the config\: data, network and training (JSON)]:FILE:_files' \
        '--init=[examine the images in DIR and print a config for them]:DIR:_files -/' \
        '--pretrained=[with --init\: a config that starts from a trained network]:FILE:_files' \
        '--minutes=[with --init\: a config whose run takes at most M minutes]:M: ' \
        '(-o --out)-o+[the run directory; replaces the config'\''s "output"]:DIR:_files -/' \
        '(-o --out)--out=[the run directory; replaces the config'\''s "output"]:DIR:_files -/' \
        '--resume[continue the run in the directory, or start one]' \
        '--overwrite[start over in a directory that contains a run]' \
        '--tensorboard[also write the file from which TensorBoard shows the run]' \
        '--max-seconds=[end after N seconds, with all files of a finished run]:N: ' \
        '--folds=[cross-validation\: K runs, each tested on its part of data.train]:K: ' \
        '--sweep=[many runs, with values of keys from FILE (JSON)]:FILE:_files' \
        '(-j --jobs)-j+[with --sweep\: N runs at the same time]:N: ' \
        '(-j --jobs)--jobs=[with --sweep\: N runs at the same time]:N: ' \
        '--member=[with --folds or --sweep\: train only fold or run N]:N: ' \
        '--gather[with --folds or --sweep\: put the results of all runs together]' \
        '--no-report[do not make report.html]' \
        '--no-cache[do not use the cache of decoded images]' \
        '--cache-limit=[limit for the size of the cache (default\: 10G)]:SIZE: ' \
        '(-n --dry-run)-n[print layers, memory and data counts; train nothing]' \
        '(-n --dry-run)--dry-run[print layers, memory and data counts; train nothing]' \
        '--check-data[report copies, bad images, shortcuts, …; train nothing]' \
        '--check-gradients[compare gradients with differences in double]' \
        '--trace[print the values and gradients of one batch as JSON]' \
        '--show-augmented=[draw N images as augmentation changes them\: augmented.png]:N: ' \
        '--print-config[print the config with overrides and defaults; train nothing]' \
        '--help-config[explain every key of the config]' \
        '--schema[print the config'\''s JSON Schema]' \
        '(-v --verbose)-v[more messages]' \
        '(-v --verbose)--verbose[more messages]' \
        '(-t --threads)-t+[threads (default\: all processors); same results for any N]:N: ' \
        '(-t --threads)--threads=[threads (default\: all processors); same results for any N]:N: ' \
        '--max-memory=[limit for memory (default\: all of it)]:SIZE: ' \
        '(-q --quiet)-q[errors only]' \
        '(-q --quiet)--quiet[errors only]' \
        '(-h --help)-h[print this]' \
        '(-h --help)--help[print this]' \
        '(-V --version)-V[print the version]' \
        '(-V --version)--version[print the version]' \
        '*:key:_cnntrain_keys'
}
_cnntrain "$@"
